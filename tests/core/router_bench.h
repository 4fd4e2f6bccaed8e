// A router with a manual clock, a spool in memory and a scripted transport, and its next process.
#ifndef TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_
#define TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  explicit RouterBench(size_t spool_bytes = size_t{64} << 20)
      : RouterBench(NewMemorySpool(spool_bytes)) {}
  explicit RouterBench(std::unique_ptr<Spool> store) : spool(std::move(store)) {
    StartRouter();
    SetRoute(NewRoute());
  }

  void StartRouter() {
    router = std::make_unique<Router>(Router::Parts{.clock = clock,
                                                    .spool = spool,
                                                    .metrics = metrics,
                                                    .log = log,
                                                    .clients = {&channel},
                                                    .commits = &commits,
                                                    .engines = engines_of_router,
                                                    .wake = [this] { ++woken; },
                                                    .epoch = epoch,
                                                    .jitter_seed = 7,
                                                    .node_id = "router-1",
                                                    .end_lost_streams = end_lost_streams});
    transport.SetSink(*router);
    ASSERT_TRUE(router->Start().ok());
  }
  // The process ends as it stands, and another takes over what the spool has.
  void Restart() {
    router.reset();
    ++epoch;
    StartRouter();
    router->SetRoutes(routes);
    Run();
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
    routes.by_app[app] = std::move(route);
    router->SetRoutes(routes);
  }
  void RemoveRoute(const std::string& app) {
    routes.by_app.erase(app);
    router->SetRoutes(routes);
  }
  // A route of no app, with an endpoint of its own.
  std::shared_ptr<Route> NewOtherRoute(const std::string& name) {
    auto route = NewRoute(name);
    route->name = route->endpoint.route = name;
    route->of_app = false;
    route->app_config = nullptr;
    return route;
  }
  void AddRoute(RoutePtr route) {
    routes.others.push_back(std::move(route));
    router->SetRoutes(routes);
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

  // Lets time pass in which the endpoint takes an event of another stream each second, so that what
  // fails is the event's own fault and not the endpoint's.
  void RunForAmongOthers(absl::Duration time) {
    for (const MonoTime end = clock.Now() + time; clock.Now() < end && !HasFailure();) {
      Send(StatusEvent("healthy", "PUBLISHING"));
      RunFor(std::min(absl::Seconds(1), end - clock.Now()));
    }
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
  RouteTable routes;
  std::optional<MonoTime> due;
  int woken = 0;
  uint64_t epoch = 0xabc;
  bool end_lost_streams = true;  // from the next start on, as the next
  EngineCommands* engines_of_router = nullptr;

 private:
  uint64_t endpoints_ = 0;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_ROUTER_BENCH_H_
