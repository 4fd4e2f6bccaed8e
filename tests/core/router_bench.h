// A router with a manual clock, a spool in memory and a scripted transport.
#ifndef TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_
#define TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/router.h"
#include "tests/core/held_spool.h"
#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_channel.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus::testing {

inline constexpr char kFail[] = R"({"StreamStatusEvent":{"restOnError":"FAIL"}})";

class RecordingCommits final : public CommitListener {
 public:
  void OnDurable(const Watermark& watermark) override { through.push_back(watermark.through); }
  std::vector<uint64_t> through;
};

class RouterBench : public ::testing::Test {
 protected:
  explicit RouterBench(size_t spool_bytes = size_t{64} << 20) : spool(spool_bytes) {
    router = std::make_unique<Router>(Router::Parts{.clock = clock,
                                                    .spool = spool,
                                                    .metrics = metrics,
                                                    .log = log,
                                                    .clients = {&channel},
                                                    .commits = &commits,
                                                    .wake = [this] { ++woken; },
                                                    .epoch = 0xabc,
                                                    .jitter_seed = 7});
    transport.SetSink(*router);
    SetRoute(NewRoute());
  }

  // The backend of kApp; a test changes what it is about.
  std::shared_ptr<Route> NewRoute(const std::string& app = kApp) {
    auto route = std::make_shared<Route>();
    route->name = app + "/backend";
    route->app_config = std::make_shared<RestClientConfig>();
    route->endpoint.id = ++endpoints_;
    route->endpoint.route = route->name;
    route->endpoint.url = "http://" + app;
    route->transport = &transport;
    return route;
  }
  void SetRoute(RoutePtr route, const std::string& app = kApp) {
    routes_[app] = std::move(route);
    router->SetRoutes(routes_);
  }
  void RemoveRoute(const std::string& app) {
    routes_.erase(app);
    router->SetRoutes(routes_);
  }

  absl::Status Accept(std::vector<IngressRecord> records,
                      std::optional<Watermark> watermark = std::nullopt) {
    return router->Accept({std::move(records), watermark});
  }
  // Accepts one record and runs.
  void Send(IngressRecord record) {
    std::vector<IngressRecord> records;
    records.push_back(std::move(record));
    ASSERT_TRUE(Accept(std::move(records)).ok());
    Run();
  }

  // Steps until the router wants to sleep.
  void Run() {
    for (int turns = 0; turns < 1000; ++turns) {
      due = router->Step();
      if (!due || *due > clock.Now()) return;
    }
    FAIL() << "the router never rests";
  }
  // Lets time pass, stepping whenever the router wants to.
  void RunFor(absl::Duration time) {
    const MonoTime end = clock.Now() + time;
    for (Run(); due && *due <= end && !HasFailure(); Run()) clock.AdvanceTo(*due);
    clock.AdvanceTo(end);
    Run();
  }

  uint64_t Count(const std::string& name, const Metrics::Labels& labels = {}) {
    return metrics.GetCounter(name, "", labels).Value();
  }

  ManualClock clock;
  Metrics metrics;
  RecordingLog log;
  RecordingChannel channel;
  RecordingCommits commits;
  HeldSpool spool;
  ScriptedTransport transport;
  std::unique_ptr<Router> router;
  std::optional<MonoTime> due;
  int woken = 0;

 private:
  RouteTable routes_;
  uint64_t endpoints_ = 0;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_
