// A plugin that does what it must not: every ticket is completed once all the same, and it is told.
#include "plugins/loader/plugin_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "plugins/loader/loader.h"
#include "tests/conformance/transport_bench.h"
#include "tests/plugins/loader/plugins.h"
#include "tests/support/recording_log.h"

namespace tallybus::loader {
namespace {

using ::tallybus::testing::EndpointAt;
using ::tallybus::testing::PluginPath;
using ::tallybus::testing::TransportBench;
using ::testing::HasSubstr;
using ::testing::Not;

// What it does wrong is its address; each is an endpoint of its own.
Endpoint At(const std::string& url) { return EndpointAt(url, std::hash<std::string>()(url)); }

// A deadline before which the plugin's thread has had its turn, also on a busy machine.
constexpr absl::Duration kSeenInTime = absl::Seconds(1);

TransportDescriptor Hostile() {
  TransportRegistry registry;
  auto plugin = LoadPlugin(PluginPath("hostile"), registry);
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  return *registry.Find("hostile");
}

class PluginTransportTest : public ::testing::Test {
 protected:
  uint64_t Faults(const std::string& fault) {
    return bench.metrics
        .GetCounter(PluginFaults::kMetric, "", {{"plugin", "Hostile"}, {"fault", fault}})
        .Value();
  }
  TransportBench::Options Within(absl::Duration timeout) {
    TransportBench::Options options;
    options.timeout = timeout;
    options.want_answer = true;
    return options;
  }

  // What it was given before is done when it has done this: it is called one at a time.
  void WaitUntilItIsThrough() { bench.DeliverAndWait(At("good")); }

  TransportBench bench{Hostile()};
};

TEST_F(PluginTransportTest, AGoodResultIsHandedOn) {
  const auto result = bench.DeliverAndWait(At("good"));
  EXPECT_EQ(result.verdict, Verdict::kDelivered);
  EXPECT_EQ(result.remote_code, 200);
  EXPECT_EQ(result.reason, "OK");
}

TEST_F(PluginTransportTest, ASecondResultIsDropped) {
  const Ticket ticket = bench.Deliver(At("twice"));
  WaitUntilItIsThrough();
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(Faults("twice"), 1u);
}

TEST_F(PluginTransportTest, AResultForATicketThatItDoesNotHaveIsDropped) {
  const Ticket ticket = bench.Deliver(At("unknown"));
  WaitUntilItIsThrough();
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(bench.sink.total(), 2u);
  EXPECT_EQ(Faults("unknown"), 1u);
}

TEST_F(PluginTransportTest, WhatItNeverCompletesTimesOutABitAfterItsDeadline) {
  const absl::Duration given_up = kSeenInTime + absl::Seconds(1);  // by the router
  absl::Duration took = absl::InfiniteDuration();
  uint64_t tries = 0;
  // The machine may be late by itself, though not each time.
  for (; tries < 3 && took >= given_up; ++tries) {
    const MonoTime begin = bench.clock.Now();
    const auto result = bench.DeliverAndWait(At("never"), Within(kSeenInTime));
    took = bench.clock.Now() - begin;
    EXPECT_EQ(result.verdict, Verdict::kRetryLater);
    EXPECT_EQ(result.reason, "timed out");
    EXPECT_FALSE(result.never_sent);
    EXPECT_GE(took, kSeenInTime + PluginTransport::kGrace);
  }
  EXPECT_LT(took, given_up);
  EXPECT_EQ(Faults("never"), tries);
}

TEST_F(PluginTransportTest, ALateResultIsDropped) {
  const Ticket late = bench.Deliver(At("late"), Within(kSeenInTime));
  ASSERT_TRUE(bench.sink.WaitFor(late));
  EXPECT_EQ(bench.DeliverAndWait(At("release")).verdict, Verdict::kDelivered);
  EXPECT_EQ(bench.sink.Completions(late), 1);
  EXPECT_EQ(bench.sink.WaitFor(late)->reason, "timed out");
  EXPECT_EQ(Faults("late"), 1u);
}

TEST_F(PluginTransportTest, AResultThatCannotBeReadMeansOnceMore) {
  for (const char* kind : {"null", "verdict", "size", "large", "bytes"}) {
    const auto result = bench.DeliverAndWait(At(kind));
    EXPECT_EQ(result.verdict, Verdict::kRetryLater) << kind;
    EXPECT_FALSE(result.status.ok()) << kind;
    EXPECT_FALSE(result.never_sent) << kind;
  }
  EXPECT_EQ(Faults("malformed"), 5u);
}

TEST_F(PluginTransportTest, LongTextsAreCutAndCleaned) {
  const auto result = bench.DeliverAndWait(At("long"), Within(absl::Seconds(5)));
  EXPECT_EQ(result.answer.size(), 65536u);
  EXPECT_TRUE(result.answer_cut);
  EXPECT_EQ(result.reason.size(), 256u);
  EXPECT_EQ(result.reason.substr(0, 6), "a?b??r");
}

TEST_F(PluginTransportTest, AResultThatClaimsAStopIsARetryWhileNobodyStopsIt) {
  EXPECT_EQ(bench.DeliverAndWait(At("stopped")).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(PluginTransportTest, AStopThatDoesNothingCompletesAllThatIsOpen) {
  const auto tickets = bench.DeliverMany(At("never"), 20, Within(absl::Hours(1)));
  bench.Stop(absl::Hours(1));
  for (const Ticket ticket : tickets) {
    ASSERT_EQ(bench.sink.Completions(ticket), 1);
    EXPECT_EQ(bench.sink.WaitFor(ticket)->status.code(), absl::StatusCode::kCancelled);
  }
  EXPECT_EQ(Faults("left_open"), 20u);
}

TEST_F(PluginTransportTest, ADeliveryAfterStopIsCompletedAlsoWhereThePluginDoesNot) {
  bench.Stop(absl::Hours(1));
  const Ticket ticket = bench.Deliver(At("never"), Within(absl::Hours(1)));
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(bench.sink.WaitFor(ticket)->verdict, Verdict::kRetryLater);
}

TEST_F(PluginTransportTest, APluginThatNeverCompletesGetsNoMoreAtSomePoint) {
  const auto first = bench.DeliverMany(At("never"), OpenTickets::kMostLate, Within(kSeenInTime));
  WaitUntilItIsThrough();
  ASSERT_TRUE(bench.sink.WaitForTickets(first.size() + 1));
  const Ticket refused = bench.Deliver(At("good"));
  ASSERT_EQ(bench.sink.Completions(refused), 1);
  EXPECT_TRUE(bench.sink.WaitFor(refused)->never_sent);
  EXPECT_EQ(Faults("crowded"), 1u);
}

TEST_F(PluginTransportTest, ADeliverThatNeverComesBackHoldsUpNobodyButItsOwn) {
  const Ticket blocked = bench.Deliver(At("block"), Within(kSeenInTime));
  ASSERT_TRUE(bench.sink.WaitFor(blocked));
  EXPECT_EQ(bench.sink.WaitFor(blocked)->reason, "timed out");
  EXPECT_FALSE(bench.sink.WaitFor(blocked)->never_sent);
  const auto behind = bench.DeliverAndWait(At("good"), Within(absl::Milliseconds(10)));
  EXPECT_EQ(behind.verdict, Verdict::kRetryLater);
  EXPECT_EQ(behind.reason, "timed out");
  EXPECT_TRUE(behind.never_sent) << "it has not seen it";
  EXPECT_EQ(Faults("never"), 1u);
  EXPECT_EQ(Faults("blocked"), 1u);
  const Ticket open = bench.Deliver(At("good"), Within(absl::Hours(1)));
  bench.Stop(absl::ZeroDuration());
  EXPECT_EQ(bench.sink.Completions(open), 1);
  EXPECT_TRUE(bench.sink.WaitFor(open)->never_sent);
  EXPECT_EQ(Faults("stuck"), 1u) << "its stop waits behind the deliver";
}

TEST(PluginTransportHangTest, AStopThatNeverComesBackIsLeftAlone) {
  TransportRegistry registry;
  ASSERT_TRUE(LoadPlugin(PluginPath("hangs_in_stop"), registry).ok());
  const int before = StuckThreads();
  {
    TransportBench bench(*registry.Find("hostile"));
    const Ticket open = bench.Deliver(At("never"));
    const MonoTime begin = bench.clock.Now();
    bench.Stop(absl::ZeroDuration());
    EXPECT_LT(bench.clock.Now() - begin, PluginTransport::kStopGrace + absl::Seconds(30));
    EXPECT_EQ(bench.sink.Completions(open), 1);
    EXPECT_EQ(
        bench.metrics
            .GetCounter(PluginFaults::kMetric, "", {{"plugin", "Hostile"}, {"fault", "stuck"}})
            .Value(),
        1u);
  }
  EXPECT_EQ(StuckThreads(), before + 1);
}

// A plugin whose deliver waits until it is let go.
struct Gate {
  std::promise<void> entered, let_go;
  std::string read;
};

TEST(PluginTransportHangTest, APluginThatComesBackAfterItsTransportIsGoneFindsWhatItReads) {
  static auto* const gate = new Gate();
  static const tallybus_host* host = nullptr;
  static const tallybus_transport transport = {
      sizeof transport,
      nullptr,
      [](void*, tallybus_error*) { return TALLYBUS_OK; },
      [](void*, const tallybus_delivery* const* deliveries, size_t) {
        gate->entered.set_value();
        gate->let_go.get_future().wait();
        const tallybus_bytes body = deliveries[0]->parcels[0]->body;
        gate->read.assign(body.data, body.size);
        const tallybus_result result = {};
        host->complete(host->self, deliveries[0]->ticket, &result);
        throw std::runtime_error("and that is not all");
      },
      [](void*, int64_t) {},
      [](void*) { ADD_FAILURE() << "what is stuck is not destroyed"; },
      nullptr};
  tallybus_transport_entry entry = {};
  entry.struct_size = sizeof entry;
  entry.abi_major = TALLYBUS_TRANSPORT_ABI_MAJOR;
  entry.scheme = "slow";
  entry.name = "Slow";
  entry.version = "1";
  entry.create = [](const tallybus_host* given, const tallybus_transport** made, tallybus_error*) {
    host = given;
    *made = &transport;
    return TALLYBUS_OK;
  };
  const int before = StuckThreads();
  {
    auto plugin = ReadEntry("p", &entry);
    ASSERT_TRUE(plugin.ok()) << plugin.status();
    TransportBench bench(DescriptorOf(*plugin));
    bench.Deliver(At("x"));
    gate->entered.get_future().wait();
    bench.Stop(absl::ZeroDuration());
  }
  ASSERT_EQ(StuckThreads(), before + 1);
  gate->let_go.set_value();
  while (StuckThreads() > before) std::this_thread::yield();
  EXPECT_EQ(gate->read, TransportBench::Options().body);
}

TEST(PluginTransportLogTest, ItsLinesCarryItsNameAndNoPayload) {
  tallybus::testing::RecordingSink sink;
  SystemClock clock;
  Metrics metrics;
  tallybus::testing::RecordingLog log;
  auto transport = Hostile().create(TransportContext{sink, clock, metrics, log});
  ASSERT_TRUE(transport.ok()) << transport.status();
  EXPECT_THAT(log.Text(), HasSubstr("plugin Hostile: made?of glass"));
}

TEST(PluginTransportStartTest, AStartThatFailsSaysWhy) {
  TransportRegistry registry;
  ASSERT_TRUE(LoadPlugin(PluginPath("start_fails"), registry).ok());
  tallybus::testing::RecordingSink sink;
  SystemClock clock;
  Metrics metrics;
  tallybus::testing::SilentLog log;
  auto transport = registry.Find("hostile")->create(TransportContext{sink, clock, metrics, log});
  ASSERT_TRUE(transport.ok()) << transport.status();
  EXPECT_EQ((*transport)->Start(), absl::UnavailableError("no?port is free"));
}

// One in C++ that throws wherever it is called.
TEST(PluginTransportThrowTest, WhatThrowsHarmsNobody) {
  static const tallybus_transport transport = {
      sizeof transport,
      nullptr,
      [](void*, tallybus_error*) { return TALLYBUS_OK; },
      [](void*, const tallybus_delivery* const*, size_t) { throw std::runtime_error("deliver"); },
      [](void*, int64_t) { throw 7; },
      [](void*) { throw 8; },
      nullptr};
  tallybus_transport_entry entry = {};
  entry.struct_size = sizeof entry;
  entry.abi_major = TALLYBUS_TRANSPORT_ABI_MAJOR;
  entry.scheme = "throws";
  entry.name = "Throws";
  entry.version = "1";
  entry.check = [](const tallybus_endpoint*, tallybus_error*) -> tallybus_status { throw 9; };
  entry.create = [](const tallybus_host*, const tallybus_transport** made, tallybus_error*) {
    *made = &transport;
    return TALLYBUS_OK;
  };
  auto plugin = ReadEntry("p", &entry);
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  const TransportDescriptor descriptor = DescriptorOf(*plugin);
  EXPECT_FALSE(descriptor.check(At("x")).ok());
  TransportBench bench(descriptor);
  const Ticket ticket = bench.Deliver(At("x"));
  bench.Stop(absl::Hours(1));
  EXPECT_EQ(bench.sink.Completions(ticket), 1);
  EXPECT_EQ(bench.metrics
                .GetCounter(PluginFaults::kMetric, "", {{"plugin", "Throws"}, {"fault", "threw"}})
                .Value(),
            2u);
}

}  // namespace
}  // namespace tallybus::loader
