// A dispatcher by itself: a spool that answers when the test says, and outcomes that are
// remembered.
#ifndef TALLYBUS_TESTS_CORE_DELIVERY_DISPATCHER_BENCH_H_
#define TALLYBUS_TESTS_CORE_DELIVERY_DISPATCHER_BENCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "delivery/dispatcher.h"
#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus::testing {

// Remembers what it is asked; the test answers.
class AskedSpool final : public Spool {
 public:
  absl::Status Start(SpoolEvents&, SpoolReader&) override { return absl::OkStatus(); }
  void Append(SpoolBatch) override {}
  void Settle(std::span<const Settlement> s) override {
    settled.insert(settled.end(), s.begin(), s.end());
  }
  void Note(std::span<const Progress> p) override {
    progress.insert(progress.end(), p.begin(), p.end());
  }
  void Load(std::span<const SpoolSeq> w) override {
    wanted.insert(wanted.end(), w.begin(), w.end());
  }
  absl::Status Stop() override { return absl::OkStatus(); }
  size_t UsedBytes() const override { return 0; }
  size_t MaxBytes() const override { return 1; }
  size_t PendingBytes() const override { return 0; }
  size_t DeadLetterBytes() const override { return 0; }
  void Find(const StoredFilter&, StoredCallback) override {}
  bool Healthy() const override { return true; }

  std::vector<Settlement> settled;
  std::vector<Progress> progress;
  std::vector<SpoolSeq> wanted;
};

class RecordingOutcomes final : public Outcomes {
 public:
  void OnAttempt(const SpoolRow& row, int attempt) override {
    attempts.push_back(std::to_string(row.seq) + " " + std::to_string(attempt));
  }
  bool WantsAnswer(const SpoolRow& row) const override { return wanted.contains(row.seq); }
  void OnAnswer(const SpoolRow& row, std::string_view answer) override {
    answers.push_back(std::to_string(row.seq) + " " + std::string(answer));
  }
  void OnAttemptFailed(const SpoolRow& row, const Failure& failure,
                       std::optional<MonoTime> next) override {
    OnBuried(row, failure);
    EXPECT_EQ(next.has_value(), !failure.final);
    next_attempts.push_back(next);
  }
  void OnBuried(const SpoolRow& row, const Failure& failure) override {
    failures.push_back(std::to_string(row.seq) + " " + failure.info +
                       (failure.final ? " final" : ""));
  }
  void OnSettled(const Settlement& settlement) override { settled.push_back(settlement.seq); }
  void OnEndpoint(const EndpointQueue& queue) override { endpoints.push_back(queue.route); }

  std::set<SpoolSeq> wanted;  // rows whose answers are
  std::vector<std::string> answers;
  std::vector<std::string> attempts;
  std::vector<std::string> failures;
  std::vector<std::optional<MonoTime>> next_attempts;
  std::vector<SpoolSeq> settled;
  std::vector<std::string> endpoints;
};

// The dispatcher is no DeliverySink by itself.
class ToDispatcher final : public DeliverySink {
 public:
  explicit ToDispatcher(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  void Complete(Ticket ticket, DeliveryResult result) override {
    Completion done{ticket, std::move(result)};
    dispatcher_.Complete({&done, 1});
  }

 private:
  Dispatcher& dispatcher_;
};

class DispatcherBench : public ::testing::Test {
 protected:
  DispatcherBench() {
    transport.SetSink(sink);
    SetRoute(route);
  }

  static std::shared_ptr<Route> NewRoute(const std::string& name, Transport* transport) {
    auto route = std::make_shared<Route>();
    route->name = name;
    route->transport = transport;
    return route;
  }
  void SetRoute(const std::shared_ptr<Route>& changed) {
    routes[changed->name] = changed;
    dispatcher.SetRoutes({routes.begin(), routes.end()});
  }
  void RemoveRoute(const std::string& name) {
    routes.erase(name);
    dispatcher.SetRoutes({routes.begin(), routes.end()});
  }

  // A row in its place, as the router makes it.
  SpoolRowPtr Row(Event event, const Route& of) {
    auto row = std::make_shared<SpoolRow>();
    row->seq = ++last_seq;
    row->delivery = of.delivery;
    row->accepted = clock.WallNow();
    row->ephemeral = event.method == kStreamKeepAliveEvent;
    const std::string lane = LaneKey(event);
    row->event = std::make_shared<const Event>(std::move(event));
    dispatcher.Place(of, lane, row.get(), &batch);
    rows[row->seq] = row;
    return row;
  }
  SpoolRowPtr Row(const std::string& name, const std::string& status = "PUBLISHING") {
    return Row(StatusEvent(name, status), *route);
  }
  // Places it and takes it as committed.
  SpoolSeq Take(const std::string& name, const std::string& status = "PUBLISHING") {
    const SpoolRowPtr row = Row(name, status);
    dispatcher.Enqueue(row);
    return row->seq;
  }
  void Turn() {
    dispatcher.Settle();
    dispatcher.Dispatch();
  }
  // Turns until nothing is left to do now; the spool answers at once.
  void Run() {
    for (int turns = 0; turns < 10'000; ++turns) {
      bool busy = dispatcher.Settle();
      for (SpoolSeq seq : std::exchange(spool.wanted, {})) dispatcher.Loaded(rows.at(seq));
      busy |= dispatcher.Dispatch();
      if (!busy && spool.wanted.empty()) return;
    }
    FAIL() << "the dispatcher never rests";
  }
  // Lets time pass, running whenever it is wanted.
  void RunFor(absl::Duration time) {
    const MonoTime end = clock.Now() + time;
    for (Run(); !HasFailure(); Run()) {
      const std::optional<MonoTime> due = dispatcher.NextDue();
      if (!due || *due > end) break;
      clock.AdvanceTo(*due);
    }
    clock.AdvanceTo(end);
    Run();
  }

  EndpointQueue& queue() { return *dispatcher.FindQueue(route->name); }
  // What became of each settled row.
  std::map<SpoolSeq, Settlement::Outcome> Became() const {
    std::map<SpoolSeq, Settlement::Outcome> became;
    for (const Settlement& settlement : spool.settled) {
      EXPECT_TRUE(became.emplace(settlement.seq, settlement.outcome).second) << "settled twice";
    }
    return became;
  }
  uint64_t Count(const std::string& name) {
    return metrics.GetCounter(name, "", {{"route", route->name}}).Value();
  }

  ManualClock clock;
  AskedSpool spool;
  Metrics metrics;
  RecordingLog log;
  RecordingOutcomes outcomes;
  Dispatcher dispatcher{{clock, spool, metrics, log, outcomes, [] {}, 1}};
  ToDispatcher sink{dispatcher};
  ScriptedTransport transport;
  std::shared_ptr<Route> route = NewRoute("defaultApp/backend", &transport);
  std::map<std::string, RoutePtr> routes;
  std::map<SpoolSeq, SpoolRowPtr> rows;
  SpoolBatch batch;
  SpoolSeq last_seq = 0;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_DELIVERY_DISPATCHER_BENCH_H_
