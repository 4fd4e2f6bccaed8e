// The REST transport as the registry knows it: the conformance suite and its descriptor.
#include "transports/rest/rest_transport.h"

#include <absl/strings/numbers.h>
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/scripted_server.h"

namespace tallybus::rest {
namespace {

using ::testing::Contains;
using testing::EndpointAt;
using ::testing::Field;
using testing::HttpRequest;
using testing::PeerMood;
using testing::ScriptedServer;
using ::testing::SizeIs;

std::string Decoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
    i += 2;
  }
  return out;
}

testing::Script ScriptOf(PeerMood mood) {
  switch (mood) {
    case PeerMood::kHangs:
      return testing::NeverAnswer();
    case PeerMood::kRejects:
      return testing::AnswerWith(422, "Unprocessable Content");
    case PeerMood::kOverloaded:
      return testing::AnswerWith(503, "Busy", "{}", "Retry-After: 7\r\n");
    default:
      return testing::AnswerWith(200, "OK");
  }
}

class RestPeer final : public testing::Peer {
 public:
  explicit RestPeer(PeerMood mood)
      : refuses_(mood == PeerMood::kRefuses), server_(ScriptOf(mood)) {}

  Endpoint endpoint() override {
    const int port = refuses_ ? refusing_.port() : server_.port();
    return EndpointAt("http://127.0.0.1:" + std::to_string(port) + "/hooks");
  }

  std::vector<testing::Arrival> Arrivals() override {
    std::vector<testing::Arrival> arrivals;
    for (const HttpRequest& request : server_.Requests()) {
      testing::Arrival arrival;
      arrival.body = request.body;
      arrival.method = request.target.substr(request.target.rfind('/') + 1);
      arrival.event_id = request.Header("webhook-id");
      arrival.time = request.Header("tallybus-time");
      arrival.lane = Decoded(request.Header("tallybus-lane"));
      EXPECT_TRUE(absl::SimpleAtoi(request.Header("tallybus-sequence"), &arrival.lane_sequence));
      EXPECT_TRUE(absl::SimpleAtoi(request.Header("tallybus-attempt"), &arrival.attempt));
      arrival.redelivery = request.Header("tallybus-redelivery") == "1";
      arrival.from_router = request.Header("tallybus-origin") == "router";
      arrivals.push_back(std::move(arrival));
    }
    return arrivals;
  }

 private:
  const bool refuses_;
  testing::RefusingPort refusing_;
  ScriptedServer server_;
};

class RestSubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return RestDescriptor(); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    return std::make_unique<RestPeer>(mood);
  }
};

TALLYBUS_TRANSPORT_CONFORMANCE(Rest, [] { return std::make_unique<RestSubject>(); });

TEST(RestTransportTest, SendsThePostThatBackendsExpect) {
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  testing::TransportBench bench(RestDescriptor());
  bench.DeliverAndWait(EndpointAt(server.Url("/apps/EchoApp/?key=1")));
  ASSERT_THAT(server.Requests(), SizeIs(1));
  const HttpRequest request = server.Requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/apps/EchoApp/StreamStatusEvent?key=1");
  EXPECT_EQ(request.Header("accept"), "application/json, application/*+json");
  EXPECT_EQ(request.Header("content-type"), "application/json;charset=UTF-8");
  EXPECT_EQ(request.Header("connection"), "keep-alive");
  EXPECT_EQ(request.Header("content-length"), std::to_string(request.body.size()));
  EXPECT_EQ(request.Header("host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(request.headers.count("expect"), 0u);
  EXPECT_EQ(request.headers.count("transfer-encoding"), 0u);
  EXPECT_EQ(request.headers.count("authorization"), 0u);
}

TEST(RestTransportTest, AnEmptyBodyIsSentAsOne) {
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  testing::TransportBench bench(RestDescriptor());
  testing::TransportBench::Options options;
  options.body = "";
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.Url()), options).verdict, Verdict::kDelivered);
  EXPECT_EQ(server.Requests().at(0).Header("content-length"), "0");
}

TEST(RestTransportTest, AProxyInTheEnvironmentIsIgnored) {
  testing::RefusingPort proxy;
  const std::string url = "http://127.0.0.1:" + std::to_string(proxy.port());
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
    setenv(name, url.c_str(), 1);
  }
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  {
    testing::TransportBench bench(RestDescriptor());
    EXPECT_EQ(bench.DeliverAndWait(EndpointAt(server.Url())).verdict, Verdict::kDelivered);
  }
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(name);
}

TEST(RestTransportTest, AllOfOneLaneGoesThroughOneLoop) {
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  testing::TransportBench bench(RestDescriptor(), /*threads=*/4);
  for (int i = 0; i < 20; ++i) bench.DeliverAndWait(EndpointAt(server.Url()));
  EXPECT_EQ(server.connections(), 1);
}

TEST(RestTransportTest, LanesAreSpreadOverTheLoops) {
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  testing::TransportBench bench(RestDescriptor(), /*threads=*/2);
  testing::TransportBench::Options options;
  for (int i = 0; i < 20; ++i) {
    options.lane = "app/" + std::to_string(i);
    bench.DeliverAndWait(EndpointAt(server.Url()), options);
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(RestTransportTest, CountsWhatCameOfItsRequests) {
  ScriptedServer server(testing::AnswerWith(200, "OK"));
  testing::TransportBench bench(RestDescriptor());
  bench.DeliverAndWait(EndpointAt(server.Url()));
  bench.DeliverAndWait(EndpointAt(server.Url()));
  const Metrics::Labels route = {{"route", "defaultApp/backend"}};
  EXPECT_EQ(bench.metrics.GetCounter("tallybus_http_connections_opened_total", "", route).Value(),
            1u);
  EXPECT_EQ(bench.metrics
                .GetCounter("tallybus_http_requests_total", "",
                            {{"route", "defaultApp/backend"}, {"outcome", "delivered"}})
                .Value(),
            2u);
}

TEST(RestTransportTest, ADestroyedTransportHasCompletedItsTickets) {
  ScriptedServer server(testing::NeverAnswer());
  testing::RecordingSink sink;
  {
    testing::TransportBench bench(RestDescriptor());
    const TransportContext context{sink, bench.clock, bench.metrics, bench.log, 1};
    auto transport = RestDescriptor().create(context);
    ASSERT_TRUE(transport.ok());
    ASSERT_TRUE((*transport)->Start().ok());
    const Event event;
    const Endpoint endpoint = EndpointAt(server.Url());
    const Parcel parcel{event, "{}", "lane", 1, 1, false, false, 0};
    const Delivery delivery{Ticket{7}, {&parcel, 1}, endpoint, MonoTime::Infinite(), false};
    (*transport)->Deliver({&delivery, 1});
    transport->reset();
  }
  EXPECT_EQ(sink.Completions(Ticket{7}), 1);
}

TEST(RestDescriptorTest, NamesItsSchemeAndOptions) {
  const auto descriptor = RestDescriptor();
  EXPECT_EQ(descriptor.scheme, "rest");
  for (const char* name :
       {"network", "allow_cidrs", "tls.ca_file", "tls.cert_file", "tls.key_file", "tls.http2"}) {
    EXPECT_THAT(descriptor.options, Contains(Field(&OptionSpec::name, name)));
  }
}

TEST(RestDescriptorTest, ChecksAnEndpointWithoutTheNetwork) {
  const auto check = RestDescriptor().check;
  EXPECT_TRUE(check(EndpointAt("https://no-such-host.invalid/hooks")).ok());
  EXPECT_FALSE(check(EndpointAt("https://user:password@host/")).ok());
  EXPECT_FALSE(check(EndpointAt("ftp://host/")).ok());
  Endpoint endpoint = EndpointAt("https://host/");
  endpoint.options["tls.ca_file"] = "/nowhere/ca.pem";
  EXPECT_FALSE(check(endpoint).ok());
}

}  // namespace
}  // namespace tallybus::rest
