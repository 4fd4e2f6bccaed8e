// The layout of every struct that crosses the interface of transports, frozen: fields are only ever
// added at the end.
#include <gtest/gtest.h>
#include <tallybus/c/transport.h>

#include <cstddef>

namespace {

static_assert(sizeof(void*) == 8, "the figures below are those of a 64-bit machine");

#define EXPECT_OFFSET(type, field, offset) EXPECT_EQ(offsetof(type, field), size_t{offset})

TEST(TransportLayoutTest, KeepsOptionsAndEndpoints) {
  EXPECT_OFFSET(tallybus_option_spec, struct_size, 0);
  EXPECT_OFFSET(tallybus_option_spec, name, 8);
  EXPECT_OFFSET(tallybus_option_spec, meaning, 16);
  EXPECT_OFFSET(tallybus_option_spec, type, 24);
  EXPECT_OFFSET(tallybus_option_spec, flags, 28);
  EXPECT_EQ(sizeof(tallybus_option_spec), 32u);
  EXPECT_OFFSET(tallybus_option, name, 0);
  EXPECT_OFFSET(tallybus_option, value, 16);
  EXPECT_EQ(sizeof(tallybus_option), 32u);
  EXPECT_OFFSET(tallybus_endpoint, struct_size, 0);
  EXPECT_OFFSET(tallybus_endpoint, id, 8);
  EXPECT_OFFSET(tallybus_endpoint, route, 16);
  EXPECT_OFFSET(tallybus_endpoint, url, 32);
  EXPECT_OFFSET(tallybus_endpoint, options, 48);
  EXPECT_OFFSET(tallybus_endpoint, option_count, 56);
  EXPECT_OFFSET(tallybus_endpoint, timeout_ms, 64);
  EXPECT_OFFSET(tallybus_endpoint, max_connections, 68);
  EXPECT_EQ(sizeof(tallybus_endpoint), 72u);
}

TEST(TransportLayoutTest, KeepsDeliveries) {
  EXPECT_OFFSET(tallybus_parcel, struct_size, 0);
  EXPECT_OFFSET(tallybus_parcel, body, 8);
  EXPECT_OFFSET(tallybus_parcel, event_id, 24);
  EXPECT_OFFSET(tallybus_parcel, method, 40);
  EXPECT_OFFSET(tallybus_parcel, node_id, 56);
  EXPECT_OFFSET(tallybus_parcel, app_key, 72);
  EXPECT_OFFSET(tallybus_parcel, session_id, 88);
  EXPECT_OFFSET(tallybus_parcel, media_session_id, 104);
  EXPECT_OFFSET(tallybus_parcel, name, 120);
  EXPECT_OFFSET(tallybus_parcel, status, 136);
  EXPECT_OFFSET(tallybus_parcel, lane, 152);
  EXPECT_OFFSET(tallybus_parcel, lane_sequence, 168);
  EXPECT_OFFSET(tallybus_parcel, time_unix_us, 176);
  EXPECT_OFFSET(tallybus_parcel, attempt, 184);
  EXPECT_OFFSET(tallybus_parcel, coalesced, 188);
  EXPECT_OFFSET(tallybus_parcel, flags, 192);
  EXPECT_EQ(sizeof(tallybus_parcel), 200u);
  EXPECT_OFFSET(tallybus_delivery, struct_size, 0);
  EXPECT_OFFSET(tallybus_delivery, ticket, 8);
  EXPECT_OFFSET(tallybus_delivery, endpoint, 16);
  EXPECT_OFFSET(tallybus_delivery, parcels, 24);
  EXPECT_OFFSET(tallybus_delivery, parcel_count, 32);
  EXPECT_OFFSET(tallybus_delivery, deadline_ns, 40);
  EXPECT_OFFSET(tallybus_delivery, flags, 48);
  EXPECT_EQ(sizeof(tallybus_delivery), 56u);
}

TEST(TransportLayoutTest, KeepsResults) {
  EXPECT_OFFSET(tallybus_result, struct_size, 0);
  EXPECT_OFFSET(tallybus_result, verdict, 8);
  EXPECT_OFFSET(tallybus_result, flags, 12);
  EXPECT_OFFSET(tallybus_result, retry_after_ms, 16);
  EXPECT_OFFSET(tallybus_result, remote_code, 20);
  EXPECT_OFFSET(tallybus_result, reason, 24);
  EXPECT_OFFSET(tallybus_result, detail, 40);
  EXPECT_OFFSET(tallybus_result, answer, 56);
  EXPECT_EQ(sizeof(tallybus_result), 72u);
  EXPECT_OFFSET(tallybus_error, text, 0);
  EXPECT_OFFSET(tallybus_error, size, 8);
  EXPECT_EQ(sizeof(tallybus_error), 16u);
}

TEST(TransportLayoutTest, KeepsTheTablesOfFunctions) {
  EXPECT_OFFSET(tallybus_host, struct_size, 0);
  EXPECT_OFFSET(tallybus_host, self, 8);
  EXPECT_OFFSET(tallybus_host, complete, 16);
  EXPECT_OFFSET(tallybus_host, now_ns, 24);
  EXPECT_OFFSET(tallybus_host, log, 32);
  EXPECT_OFFSET(tallybus_host, get_extension, 40);
  EXPECT_EQ(sizeof(tallybus_host), 48u);
  EXPECT_OFFSET(tallybus_transport, struct_size, 0);
  EXPECT_OFFSET(tallybus_transport, self, 8);
  EXPECT_OFFSET(tallybus_transport, start, 16);
  EXPECT_OFFSET(tallybus_transport, deliver, 24);
  EXPECT_OFFSET(tallybus_transport, stop, 32);
  EXPECT_OFFSET(tallybus_transport, destroy, 40);
  EXPECT_OFFSET(tallybus_transport, get_extension, 48);
  EXPECT_EQ(sizeof(tallybus_transport), 56u);
  EXPECT_OFFSET(tallybus_transport_entry, struct_size, 0);
  EXPECT_OFFSET(tallybus_transport_entry, abi_major, 8);
  EXPECT_OFFSET(tallybus_transport_entry, abi_minor, 12);
  EXPECT_OFFSET(tallybus_transport_entry, scheme, 16);
  EXPECT_OFFSET(tallybus_transport_entry, name, 24);
  EXPECT_OFFSET(tallybus_transport_entry, version, 32);
  EXPECT_OFFSET(tallybus_transport_entry, options, 40);
  EXPECT_OFFSET(tallybus_transport_entry, option_count, 48);
  EXPECT_OFFSET(tallybus_transport_entry, check, 56);
  EXPECT_OFFSET(tallybus_transport_entry, create, 64);
  EXPECT_EQ(sizeof(tallybus_transport_entry), 72u);
}

TEST(TransportLayoutTest, KeepsNumbers) {
  EXPECT_EQ(TALLYBUS_DELIVERED, 0);
  EXPECT_EQ(TALLYBUS_RETRY_LATER, 1);
  EXPECT_EQ(TALLYBUS_HOLD, 2);
  EXPECT_EQ(TALLYBUS_REJECTED, 3);
  EXPECT_EQ(TALLYBUS_GONE, 4);
  EXPECT_EQ(TALLYBUS_OPTION_TEXT, 0);
  EXPECT_EQ(TALLYBUS_OPTION_INTEGER, 1);
  EXPECT_EQ(TALLYBUS_OPTION_BOOLEAN, 2);
  EXPECT_EQ(TALLYBUS_OPTION_DURATION, 3);
  EXPECT_EQ(TALLYBUS_OPTION_SIZE, 4);
  EXPECT_EQ(TALLYBUS_OPTION_SECRET, 5);
  EXPECT_EQ(TALLYBUS_OPTION_REQUIRED, 1);
  EXPECT_EQ(TALLYBUS_PARCEL_REDELIVERY, 1);
  EXPECT_EQ(TALLYBUS_PARCEL_REORDERED, 2);
  EXPECT_EQ(TALLYBUS_PARCEL_FROM_ROUTER, 4);
  EXPECT_EQ(TALLYBUS_PARCEL_TERMINAL, 8);
  EXPECT_EQ(TALLYBUS_DELIVERY_WANTS_ANSWER, 1);
  EXPECT_EQ(TALLYBUS_DELIVERY_IS_CALL, 2);
  EXPECT_EQ(TALLYBUS_RESULT_NEVER_SENT, 1);
  EXPECT_EQ(TALLYBUS_RESULT_ANSWER_CUT, 2);
  EXPECT_EQ(TALLYBUS_RESULT_CONNECTION_REUSED, 4);
  EXPECT_EQ(TALLYBUS_RESULT_STOPPED, 8);
  EXPECT_EQ(TALLYBUS_RESULT_HOLD_METHOD, 16);
  EXPECT_EQ(TALLYBUS_TRANSPORT_ABI_MAJOR, 1);
  EXPECT_STREQ(TALLYBUS_TRANSPORT_ENTRY, "tallybus_transport_entry_v1");
}

}  // namespace
