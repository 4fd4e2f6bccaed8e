// One endpoint's gate against a virtual peer: what the rules do together, over minutes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <queue>
#include <random>
#include <vector>

#include "delivery/endpoint_gate.h"
#include "tallybus/event.h"
#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using Random = std::mt19937_64;
using Sign = EndpointSign::Kind;

// How long the peer works at one request, in milliseconds.
using Work = std::function<double(Random&)>;

Work Steady(double ms, double deviation = 0.2) {
  return [=](Random& random) {
    return std::max(ms / 5, std::normal_distribution<double>(ms, ms * deviation)(random));
  };
}
Work Exponential(double ms) {
  return [=](Random& random) { return std::exponential_distribution<double>(1 / ms)(random); };
}
// Loopback on a busy machine: short, lopsided, and now and then a long wait for the processor.
Work Loopback(double ms) {
  return [=](Random& random) {
    const bool spike = std::uniform_real_distribution<double>(0, 1)(random) < 0.001;
    return std::lognormal_distribution<double>(std::log(ms), 0.4)(random) + (spike ? 10 : 0);
  };
}

// A peer with a queue, and a sender that always has more to send unless it is told a rate.
class Simulation {
 public:
  explicit Simulation(uint64_t seed, int max_connections = 128)
      : random_(seed), gate(max_connections, seed) {}

  Work work = Steady(5);
  int workers = 0;  // 0: as many as it takes
  std::function<Sign(Random&)> answer = [](Random&) { return Sign::kTaken; };
  bool down = false;         // connections are refused, after a millisecond
  double rate_a_second = 0;  // of arrivals; 0: there is always one more

  struct Report {
    double a_second = 0;  // successes
    double mean_limit = 0;
    int least_limit = 1 << 30;
    int most_limit = 0;
    int sent = 0;
    int probes = 0;
    int most_in_flight = 0;
  };

  Report RunFor(absl::Duration time) {
    report_ = {};
    const MonoTime begin = clock.Now();
    const MonoTime end = begin + time;
    if (rate_a_second > 0 && !arriving_) ScheduleArrival();
    Send();
    while (!events_.empty() && events_.top().at <= end) {
      const Happening next = events_.top();
      events_.pop();
      AdvanceTo(next.at);
      Happen(next);
      Send();
    }
    AdvanceTo(end);
    report_.a_second = taken_ / absl::ToDoubleSeconds(time);
    report_.mean_limit = limit_seconds_ / absl::ToDoubleSeconds(time);
    taken_ = limit_seconds_ = 0;
    return report_;
  }

  // How long until the peer takes this many a second, looked at every `step`.
  std::optional<absl::Duration> TimeToReach(double a_second, absl::Duration step,
                                            absl::Duration at_most) {
    for (absl::Duration spent = step; spent <= at_most; spent += step) {
      if (RunFor(step).a_second >= a_second) return spent;
    }
    return std::nullopt;
  }

 private:
  Random random_;

 public:
  EndpointGate gate;
  testing::ManualClock clock;

 private:
  enum class What { kAnswer, kRefusal, kArrival, kWake };
  struct Happening {
    MonoTime at;
    What what;
    Pass pass;
    bool operator<(const Happening& other) const { return at > other.at; }
  };

  void AdvanceTo(MonoTime at) {
    limit_seconds_ += gate.limit() * absl::ToDoubleSeconds(at - clock.Now());
    clock.AdvanceTo(at);
    report_.least_limit = std::min(report_.least_limit, gate.limit());
    report_.most_limit = std::max(report_.most_limit, gate.limit());
  }
  MonoTime After(double ms) { return clock.Now() + absl::Milliseconds(ms); }

  void ScheduleArrival() {
    arriving_ = true;
    events_.push({After(Exponential(1000 / rate_a_second)(random_)), What::kArrival, {}});
  }

  void Happen(const Happening& next) {
    switch (next.what) {
      case What::kAnswer:
        --busy_;
        while (!queue_.empty() && (workers == 0 || busy_ < workers)) {
          Serve(queue_.front());
          queue_.pop();
        }
        Finish(next.pass, answer(random_));
        break;
      case What::kRefusal:
        Finish(next.pass, Sign::kTrouble);
        break;
      case What::kArrival:
        ++waiting_;
        ScheduleArrival();
        break;
      case What::kWake:
        break;
    }
  }

  void Finish(const Pass& pass, Sign sign) {
    if (sign == Sign::kTaken) ++taken_;
    gate.Finish(pass, kStreamStatusEvent, {.kind = sign}, clock.Now());
  }

  void Serve(const Pass& pass) {
    ++busy_;
    events_.push({After(work(random_)), What::kAnswer, pass});
  }

  void Send() {
    while (rate_a_second == 0 || waiting_ > 0) {
      const Permit permit = gate.Ask(kStreamStatusEvent, clock.Now());
      if (permit == Permit::kWait) {
        if (auto due = gate.NextDue(clock.Now())) events_.push({*due, What::kWake, {}});
        return;
      }
      const Pass pass = gate.Start(permit, kStreamStatusEvent, clock.Now());
      --waiting_;
      ++report_.sent;
      if (permit == Permit::kProbe) ++report_.probes;
      report_.most_in_flight = std::max(report_.most_in_flight, gate.in_flight());
      if (down) {
        events_.push({After(1), What::kRefusal, pass});
      } else if (workers > 0 && busy_ >= workers) {
        queue_.push(pass);
      } else {
        Serve(pass);
      }
    }
  }

  std::priority_queue<Happening> events_;
  std::queue<Pass> queue_;
  int busy_ = 0;
  int64_t waiting_ = 0;
  bool arriving_ = false;
  double taken_ = 0;
  double limit_seconds_ = 0;
  Report report_;
};

class EndpointSimulation : public ::testing::TestWithParam<uint64_t> {
 protected:
  Simulation sim{GetParam()};
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 1;
#else
constexpr uint64_t kSeeds = 3;
#endif
INSTANTIATE_TEST_SUITE_P(Seeds, EndpointSimulation, ::testing::Range<uint64_t>(1, kSeeds + 1));

// The noise of a round trip is no push-back: a peer that can serve all connections gets them.
TEST_P(EndpointSimulation, AHealthyPeerIsUsedInFull) {
  sim.work = Steady(5);
  sim.RunFor(absl::Seconds(5));
  EXPECT_GE(sim.RunFor(absl::Seconds(10)).a_second, 0.9 * 128 / 0.005);
}

TEST_P(EndpointSimulation, APeerOfWidelyVaryingLatencyIsUsedInFull) {
  sim.work = Exponential(20);
  sim.RunFor(absl::Seconds(20));
  EXPECT_GE(sim.RunFor(absl::Seconds(20)).a_second, 0.9 * 128 / 0.020);
}

TEST_P(EndpointSimulation, ASpikyLoopbackIsUsedInFull) {
  for (double ms : {0.1, 1.0, 3.0}) {
    Simulation loopback(GetParam());
    loopback.work = Loopback(ms);
    loopback.RunFor(absl::Seconds(2));
    const double mean_ms = ms * std::exp(0.4 * 0.4 / 2) + 0.01;
    EXPECT_GE(loopback.RunFor(absl::Seconds(2)).a_second, 0.9 * 128 / mean_ms * 1000) << ms;
  }
}

TEST_P(EndpointSimulation, AStepOfTheLatencyIsNotTakenForOverload) {
  sim.work = Steady(5);
  sim.RunFor(absl::Seconds(5));
  sim.work = Steady(50);
  EXPECT_GE(sim.RunFor(absl::Seconds(15)).a_second, 0.85 * 128 / 0.050);
  EXPECT_GE(sim.RunFor(absl::Seconds(15)).a_second, 0.9 * 128 / 0.050);
  sim.work = Steady(5);
  EXPECT_GE(sim.RunFor(absl::Seconds(5)).a_second, 0.85 * 128 / 0.005);
}

TEST_P(EndpointSimulation, TheLimitGrowsNoFurtherThanTheTrafficNeeds) {
  sim.rate_a_second = 400;
  sim.work = Steady(5);
  const auto report = sim.RunFor(absl::Seconds(30));
  EXPECT_NEAR(report.a_second, 400, 20);
  EXPECT_LE(report.most_limit, 32) << "2 in flight on average";
  EXPECT_GE(report.least_limit, 2);
}

struct Capacity {
  int workers;
  double ms;
};

// A queue in the peer serves nobody: capacity is used, and hardly more connections than that takes.
TEST_P(EndpointSimulation, AnOverloadedPeerIsUsedButNotCrowded) {
  for (const Capacity capacity : {Capacity{8, 10}, Capacity{32, 20}, Capacity{4, 50}}) {
    for (const Work& work : {Exponential(capacity.ms), Steady(capacity.ms)}) {
      Simulation full(GetParam());
      full.workers = capacity.workers;
      full.work = work;
      full.RunFor(absl::Seconds(20));
      const auto report = full.RunFor(absl::Seconds(30));
      EXPECT_GE(report.a_second, 0.85 * capacity.workers / capacity.ms * 1000);
      EXPECT_GE(report.mean_limit, 0.8 * capacity.workers);
      EXPECT_LE(report.mean_limit, std::max(24.0, 2.5 * capacity.workers));
      EXPECT_LE(report.most_limit, 80);
    }
  }
}

TEST_P(EndpointSimulation, APeerThatLosesItsCapacityIsRelieved) {
  sim.work = Steady(10);
  sim.RunFor(absl::Seconds(10));
  EXPECT_GE(sim.gate.limit(), 115);
  sim.workers = 8;
  sim.RunFor(absl::Seconds(15));
  const auto report = sim.RunFor(absl::Seconds(15));
  EXPECT_GE(report.a_second, 0.85 * 800);
  EXPECT_LE(report.mean_limit, 24);
  sim.workers = 0;
  EXPECT_TRUE(sim.TimeToReach(0.9 * 12800, absl::Seconds(1), absl::Seconds(30)));
}

TEST_P(EndpointSimulation, ABurstOfErrorsLowersTheLimitAndPasses) {
  sim.RunFor(absl::Seconds(5));
  sim.answer = [](Random& random) { return random() % 20 == 0 ? Sign::kTrouble : Sign::kTaken; };
  const auto burst = sim.RunFor(absl::Seconds(1));
  EXPECT_LE(burst.least_limit, 12);
  sim.answer = [](Random&) { return Sign::kTaken; };
  EXPECT_TRUE(sim.TimeToReach(0.9 * 128 / 0.005, absl::Seconds(1), absl::Seconds(15)));
}

TEST_P(EndpointSimulation, AnOutageCostsProbesAloneAndNobodysTime) {
  sim.RunFor(absl::Seconds(5));
  const absl::Duration own = sim.gate.OwnTime(kStreamStatusEvent, sim.clock.Now());
  sim.down = true;
  sim.RunFor(absl::Seconds(1));
  const auto outage = sim.RunFor(absl::Minutes(10));
  EXPECT_EQ(outage.sent, outage.probes);
  EXPECT_GE(outage.probes, 600 / 60);
  EXPECT_LE(outage.probes, 4 + 600 / 30);
  EXPECT_EQ(outage.most_in_flight, 1);
  EXPECT_LT(sim.gate.OwnTime(kStreamStatusEvent, sim.clock.Now()) - own, absl::Seconds(1));

  sim.down = false;
  // The next probe is at most a minute away. What follows it goes one at a time.
  Simulation::Report first;
  while (sim.gate.Snapshot(sim.clock.Now()).state != EndpointSnapshot::State::kReady) {
    first = sim.RunFor(absl::Milliseconds(1));
    ASSERT_LT(sim.clock.Now() - MonoTime(), absl::Seconds(1000 + 5 + 1 + 600 + 61));
  }
  EXPECT_EQ(first.most_in_flight, 1);
  const auto growing = sim.RunFor(absl::Milliseconds(100));
  EXPECT_GE(growing.most_in_flight, 3);
  EXPECT_LE(growing.most_in_flight, 1 + 100 / 4) << "at most one more each round trip";
  EXPECT_TRUE(sim.TimeToReach(0.9 * 128 / 0.005, absl::Seconds(1), absl::Seconds(6)));
}

}  // namespace
}  // namespace tallybus
