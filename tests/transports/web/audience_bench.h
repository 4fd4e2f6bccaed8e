// An audience whose router, clock and clients are played by the test.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_AUDIENCE_BENCH_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_AUDIENCE_BENCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/fake_client.h"
#include "transports/web/audience.h"

namespace tallybus::testing {

class AudienceBench : public ::testing::Test {
 protected:
  AudienceBench() {
    options_.queue = {4, 1 << 20};
    options_.replay_events = 8;
    options_.between_passes = absl::ZeroDuration();
    Make();
  }
  void Make() {
    audience_ = std::make_unique<Audience>(
        options_, clock_, metrics_,
        [this](uint64_t pass, std::vector<LiveFilter> filters) {
          asked_.push_back({pass, std::move(filters)});
        },
        [this](absl::Duration wait) { turns_.push_back(wait); }, watching_, [this] { ++emptied_; });
  }
  ~AudienceBench() override {
    for (auto& client : clients_) audience_->Leave(client.get());
  }

  FakeClient* NewClient(WatchPermissions permissions = {}) {
    clients_.push_back(std::make_unique<FakeClient>(
        options_.queue, std::make_shared<const WatchPermissions>(std::move(permissions))));
    clients_.back()->audience = audience_.get();
    audience_->Join(clients_.back().get());
    return clients_.back().get();
  }
  static tallybus_v1::Watch Session(const std::string& id, const std::string& after = "") {
    return {{{WatchKey::Kind::kSession, id}}, after, ""};
  }
  bool Watch(FakeClient* client, tallybus_v1::Watch watch) {
    return audience_->Watch(client, std::move(watch));
  }
  static AudienceItem Event(const std::string& id, const std::string& session = "s1",
                            const std::string& app = "app") {
    auto message = std::make_shared<ClientMessage>();
    message->id = id;
    message->name = "StreamStatusEvent";
    message->session_id = session;
    message->app_key = app;
    AudienceItem item;
    item.message = std::move(message);
    return item;
  }
  // The router's answer to what was asked last: one stream for each filter.
  AudienceItem Found(size_t asked) {
    AudienceItem item;
    item.pass = asked_.at(asked).pass;
    for (const LiveFilter& filter : asked_[asked].filters) {
      item.found.push_back({{"\"" + (filter.sessions.empty() ? "" : filter.sessions[0]) + "\""}});
    }
    return item;
  }
  void Take(std::vector<AudienceItem> items) { audience_->Take(items); }
  void Send(const std::string& id, const std::string& session = "s1") {
    Take({Event(id, session)});
  }
  // A client that watches, and was told its snapshot.
  FakeClient* Watching(const std::string& session = "s1") {
    FakeClient* client = NewClient();
    EXPECT_TRUE(Watch(client, Session(session)));
    Take({Found(asked_.size() - 1)});
    client->told.clear();
    return client;
  }
  uint64_t Count(const std::string& name, const std::string& reason) {
    return metrics_.GetCounter(name, "", {{"reason", reason}}).Value();
  }

  struct Asked {
    uint64_t pass;
    std::vector<LiveFilter> filters;
  };
  ManualClock clock_;
  Metrics metrics_;
  Audience::Options options_;
  std::atomic<bool> watching_{false};
  int emptied_ = 0;
  std::vector<Asked> asked_;
  std::vector<absl::Duration> turns_;  // that are wanted
  std::unique_ptr<Audience> audience_;
  std::vector<std::unique_ptr<FakeClient>> clients_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_AUDIENCE_BENCH_H_
