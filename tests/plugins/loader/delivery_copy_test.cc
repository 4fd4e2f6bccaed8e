// Deliveries as a plugin sees them.
#include "plugins/loader/delivery_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::loader {
namespace {

std::string Text(const tallybus_bytes& bytes) { return {bytes.data, bytes.size}; }

Event FullEvent() {
  Event event;
  event.id = {0xfedcba9876543210, 18446744073709551615u};
  event.time = absl::FromUnixMicros(1'767'225'600'123'456);
  event.method = "StreamStatusEvent";
  event.node_id = "node";
  event.app_key = "app";
  event.session_id = "session";
  event.media_session_id = "media";
  event.name = "cam";
  event.status = "FAILED";
  event.terminal = true;
  event.from_router = true;
  return event;
}

TEST(DeliveryCopyTest, EveryFieldIsCopied) {
  auto copy = std::unique_ptr<DeliveryCopy>();
  {
    const Event event = FullEvent();
    const std::string body = "{\"a\":1}";
    const std::string lane = "app/cam";
    const Parcel parcel = {event, body, lane, 7, 3, true, true, 2};
    Endpoint endpoint;
    endpoint.id = 9;
    endpoint.route = "billing";
    endpoint.url = "tcp://h:1";
    endpoint.timeout = absl::Seconds(3);
    endpoint.max_connections = 5;
    endpoint.options = {{"a", "1"}, {"b", ""}};
    Delivery delivery = {Ticket{77}, {&parcel, 1}, endpoint, MonoTime::AtOffset(absl::Seconds(8)),
                         true,       true};
    copy = std::make_unique<DeliveryCopy>(delivery, std::make_shared<EndpointCopy>(endpoint));
  }
  const tallybus_delivery& c = *copy->c();
  EXPECT_EQ(c.struct_size, sizeof c);
  EXPECT_EQ(c.ticket, 77u);
  EXPECT_EQ(c.deadline_ns, 8'000'000'000);
  EXPECT_EQ(c.flags, unsigned{TALLYBUS_DELIVERY_WANTS_ANSWER | TALLYBUS_DELIVERY_IS_CALL});
  EXPECT_EQ(c.endpoint->struct_size, sizeof(tallybus_endpoint));
  EXPECT_EQ(c.endpoint->id, 9u);
  EXPECT_EQ(Text(c.endpoint->route), "billing");
  EXPECT_EQ(Text(c.endpoint->url), "tcp://h:1");
  EXPECT_EQ(c.endpoint->timeout_ms, 3000u);
  EXPECT_EQ(c.endpoint->max_connections, 5u);
  ASSERT_EQ(c.endpoint->option_count, 2u);
  EXPECT_EQ(Text(c.endpoint->options[0].name) + "=" + Text(c.endpoint->options[0].value), "a=1");
  ASSERT_EQ(c.parcel_count, 1u);
  const tallybus_parcel& p = *c.parcels[0];
  EXPECT_EQ(p.struct_size, sizeof p);
  EXPECT_EQ(Text(p.body), "{\"a\":1}");
  EXPECT_EQ(Text(p.event_id), "fedcba9876543210-18446744073709551615") << "the longest there is";
  EXPECT_EQ(Text(p.method), "StreamStatusEvent");
  EXPECT_EQ(Text(p.node_id), "node");
  EXPECT_EQ(Text(p.app_key), "app");
  EXPECT_EQ(Text(p.session_id), "session");
  EXPECT_EQ(Text(p.media_session_id), "media");
  EXPECT_EQ(Text(p.name), "cam");
  EXPECT_EQ(Text(p.status), "FAILED");
  EXPECT_EQ(Text(p.lane), "app/cam");
  EXPECT_EQ(p.lane_sequence, 7u);
  EXPECT_EQ(p.time_unix_us, 1'767'225'600'123'456);
  EXPECT_EQ(p.attempt, 3u);
  EXPECT_EQ(p.coalesced, 2u);
  EXPECT_EQ(p.flags, unsigned{TALLYBUS_PARCEL_REDELIVERY | TALLYBUS_PARCEL_REORDERED |
                              TALLYBUS_PARCEL_FROM_ROUTER | TALLYBUS_PARCEL_TERMINAL});
}

TEST(DeliveryCopyTest, ManyParcelsAndEmptyTextsStayWhereTheyAre) {
  const Event empty;
  std::vector<std::string> bodies;
  std::vector<Parcel> parcels;
  for (int i = 0; i < 100; ++i) bodies.push_back(std::string(static_cast<size_t>(i), 'x'));
  for (const std::string& body : bodies)
    parcels.push_back({empty, body, "", 0, 1, false, false, 0});
  const Endpoint endpoint;
  const Delivery delivery = {Ticket{1}, parcels, endpoint, MonoTime::Infinite(), false};
  const DeliveryCopy copy(delivery, std::make_shared<EndpointCopy>(endpoint));
  EXPECT_EQ(copy.c()->parcel_count, 100u);
  EXPECT_EQ(copy.c()->deadline_ns, INT64_MAX);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(Text(copy.c()->parcels[i]->body), bodies[i]);
  EXPECT_EQ(copy.c()->parcels[0]->body.data, nullptr);
  EXPECT_EQ(copy.c()->parcels[0]->flags, 0u);
  EXPECT_FALSE(copy.want_answer());
}

}  // namespace
}  // namespace tallybus::loader
