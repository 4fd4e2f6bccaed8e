// The template, built as a plugin and loaded as one: it keeps the contract of every transport.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "apps/tallybus/raw_peer.h"
#include "plugins/loader/loader.h"
#include "plugins/loader/plugin_faults.h"
#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"

namespace tallybus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TransportDescriptor Line() {
  TransportRegistry registry;
  const auto plugin = loader::LoadPlugin(TALLYBUS_TEMPLATE, registry);
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  return *registry.Find("line");
}

// The first line of a request, and what is behind it.
Arrival Read(const std::string& request) {
  const size_t line = request.find('\n');
  simdjson::dom::parser parser;
  const simdjson::dom::element head = parser.parse(request.substr(0, line));
  Arrival arrival;
  arrival.body = request.substr(line + 1);
  arrival.method = std::string(std::string_view(head["method"]));
  arrival.event_id = std::string(std::string_view(head["id"]));
  arrival.time = std::string(std::string_view(head["time"]));
  arrival.lane = std::string(std::string_view(head["lane"]));
  arrival.lane_sequence = uint64_t(head["sequence"]);
  arrival.attempt = static_cast<int>(int64_t(head["attempt"]));
  arrival.redelivery = bool(head["redelivery"]);
  arrival.from_router = bool(head["from_router"]);
  return arrival;
}

class LinePeer final : public Peer {
 public:
  LinePeer(bool listens, const std::string& answer)
      : peer_(*cli::RawPeer::Start(listens, cli::RawWire().request_ends, answer)) {}
  Endpoint endpoint() override {
    const std::string url = "tcp://" + peer_->address();
    return EndpointAt(url, std::hash<std::string>()(url));
  }
  std::vector<Arrival> Arrivals() override {
    std::vector<Arrival> arrivals;
    for (const std::string& request : peer_->Requests()) arrivals.push_back(Read(request));
    return arrivals;
  }
  std::vector<std::string> Requests() const { return peer_->Requests(); }

 private:
  std::unique_ptr<cli::RawPeer> peer_;
};

class LineSubject final : public ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return Line(); }
  std::unique_ptr<Peer> MakePeer(PeerMood mood) override {
    const cli::RawWire wire;
    switch (mood) {
      case PeerMood::kAccepts:
        return std::make_unique<LinePeer>(true, wire.accept);
      case PeerMood::kRejects:
        return std::make_unique<LinePeer>(true, wire.reject);
      case PeerMood::kOverloaded:
        return std::make_unique<LinePeer>(true, wire.overload);
      case PeerMood::kHangs:
        return std::make_unique<LinePeer>(true, "");
      case PeerMood::kRefuses:
        break;
    }
    return std::make_unique<LinePeer>(false, "");
  }
};

class LineTransportTest : public ::testing::Test {
 protected:
  TransportBench bench{Line()};
};

// What it did that it must not, with many deliveries at peers that answer and that hang.
uint64_t FaultsUnderLoad() {
  TransportBench bench{Line()};
  LinePeer accepts(true, "OK\n");
  LinePeer hangs(true, "");
  TransportBench::Options soon;
  soon.timeout = absl::Milliseconds(200);
  bench.DeliverMany(accepts.endpoint(), 200, {});
  bench.DeliverMany(hangs.endpoint(), 200, soon);
  EXPECT_TRUE(bench.sink.WaitForTickets(400));
  bench.DeliverMany(hangs.endpoint(), 20, {});
  bench.Stop(absl::ZeroDuration());
  bench.Deliver(accepts.endpoint());
  EXPECT_EQ(bench.sink.total(), 421u);
  uint64_t faults = 0;
  for (const Metrics::Sample& sample : bench.metrics.Collect()) {
    if (sample.name == loader::PluginFaults::kMetric) faults += static_cast<uint64_t>(sample.value);
  }
  return faults;
}

TEST_F(LineTransportTest, ItDoesNothingThatItMustNot) {
  uint64_t faults = 1;
  // The machine may be late by itself, though not each time.
  for (int tries = 0; tries < 3 && faults != 0; ++tries) faults = FaultsUnderLoad();
  EXPECT_EQ(faults, 0u) << "no ticket twice, late or never";
}

TEST_F(LineTransportTest, AnOptionOfItsOwnIsSent) {
  LinePeer peer(true, "OK\n");
  Endpoint endpoint = peer.endpoint();
  endpoint.options["token"] = "a\"b\\c";
  EXPECT_EQ(bench.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  ASSERT_THAT(peer.Requests(), SizeIs(1));
  EXPECT_THAT(peer.Requests()[0], HasSubstr(R"("token":"a\"b\\c")"));
  const std::string long_token(9000, 'x');
  endpoint.options["token"] = long_token;
  endpoint.id = 2;
  EXPECT_EQ(bench.DeliverAndWait(endpoint).verdict, Verdict::kDelivered);
  ASSERT_THAT(peer.Requests(), SizeIs(2));
  EXPECT_THAT(peer.Requests()[1], HasSubstr("\"token\":\"" + long_token));
}

TEST_F(LineTransportTest, AnAnswerOfNoProtocolHoldsTheEndpointAndIsNotShown) {
  LinePeer peer(true, "HTTP/1.1 400 s3cret\n");
  const auto result = bench.DeliverAndWait(peer.endpoint());
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_EQ(result.reason, "answer not understood");
  LinePeer endless(true, std::string(4096, 'x'));
  EXPECT_EQ(bench.DeliverAndWait(endless.endpoint()).verdict, Verdict::kRetryLater);
}

TEST_F(LineTransportTest, AnEndpointIsAnAddressInDigits) {
  const auto check = Line().check;
  for (const char* good : {"tcp://127.0.0.1:1", "tcp://10.255.0.1:65535"}) {
    EXPECT_TRUE(check(EndpointAt(good)).ok()) << good;
  }
  for (const char* bad :
       {"", "tcp://", "tcp://h:1", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:1x", "http://127.0.0.1:1", "tcp://127.0.0.1:+1",
        "tcp://127.0.0.1111111111111111111111111111111111111111111111111:1"}) {
    EXPECT_EQ(check(EndpointAt(bad)),
              absl::InvalidArgumentError("must be tcp://ADDRESS:PORT, the address in digits"))
        << bad;
  }
}

}  // namespace

TALLYBUS_TRANSPORT_CONFORMANCE(Template, [] { return std::make_unique<LineSubject>(); });

}  // namespace tallybus::testing
