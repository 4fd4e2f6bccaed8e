// The router asks for each live stream whether it may go on, and a 403 ends it.
#include <algorithm>
#include <set>

#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uint64_t kEngine = 0x77;

class RecordingEngines final : public EngineCommands {
 public:
  bool Terminate(uint64_t epoch, const Event& stream, std::string_view reason) override {
    told.push_back(std::to_string(epoch) + " " + stream.media_session_id + " " +
                   std::string(reason));
    return connected;
  }
  void ForgetSession(std::string_view) override {}
  std::vector<std::string> told;
  bool connected = true;
};

class RouterKeepAliveTest : public RouterBench {
 protected:
  RouterKeepAliveTest() {
    engines_of_router = &engines;
    StartRouter();
    UseConfig("{}");
    transport.Run([this](const auto& attempt) {
      if (attempt.event.method != kStreamKeepAliveEvent) return Answered(200);
      asked.push_back(attempt);
      return answer;
    });
    PublisherChange hello;
    hello.source = SourceOfEpoch(kEngine);
    hello.epoch = kEngine;
    hello.node_id = kNode;
    Send(hello);
  }

  void UseConfig(const std::string& json, absl::Duration interval = absl::Seconds(30)) {
    auto route = NewRoute();
    route->keep_alive = interval;
    route->app_config = ParseRestClientConfig(json).config;
    SetRoute(route);
  }
  void Publish(const std::string& name, const std::string& status = "PUBLISHING") {
    Event event = StatusEvent(name, status);
    event.id = {kEngine, ++sequence};
    Send(std::move(event));
  }

  RecordingEngines engines;
  uint64_t sequence = 0;
  DeliveryResult answer = Answered(200);
  std::vector<ScriptedTransport::Attempt> asked;
};

constexpr char kFailing[] = R"({"StreamKeepAliveEvent":{"restOnError":"FAIL"}})";

TEST_F(RouterKeepAliveTest, EachLiveStreamIsAskedAboutOnceAnInterval) {
  Publish("a");
  RunFor(absl::Seconds(10));
  Publish("b");
  RunFor(absl::Seconds(30));
  for (int interval = 0; interval < 3; ++interval) {
    asked.clear();
    RunFor(absl::Seconds(30));
    ASSERT_THAT(asked, SizeIs(2));
    EXPECT_NE(asked[0].event.media_session_id, asked[1].event.media_session_id);
  }
  EXPECT_TRUE(asked[0].event.from_router);
  EXPECT_THAT(asked[0].body, AllOf(HasSubstr(R"("status":"PUBLISHING")"), Not(HasSubstr("sdp"))));
  EXPECT_THAT(channel.all(), SizeIs(2)) << "it is no client's";
}

TEST_F(RouterKeepAliveTest, StreamsThatBeginTogetherAreAskedAboutApart) {
  for (int i = 0; i < 60; ++i) Publish("s" + std::to_string(i));
  std::set<size_t> seen;
  for (int i = 0; i < 6; ++i) {
    RunFor(absl::Seconds(5));
    seen.insert(asked.size());
  }
  EXPECT_THAT(asked, SizeIs(60)) << "each once";
  EXPECT_GE(seen.size(), 5u);
}

TEST_F(RouterKeepAliveTest, AnEngineThatSaysHelloAgainAndAgainDelaysNobody) {
  Publish("a");
  PublisherChange hello;
  hello.source = SourceOfEpoch(0x99);
  hello.epoch = 0x99;
  hello.node_id = "node-9";
  for (int i = 0; i < 12; ++i) {
    Send(hello);
    RunFor(absl::Seconds(5));
  }
  EXPECT_THAT(asked, SizeIs(2));
}

TEST_F(RouterKeepAliveTest, WhatHasEndedOrIsPausedIsNotAskedAbout) {
  Publish("a");
  Publish("b");
  Publish("a", "UNPUBLISHED");
  Publish("b", "PAUSED");
  RunFor(absl::Seconds(31));
  EXPECT_THAT(asked, IsEmpty());
  Publish("b", "PLAYING");
  RunFor(absl::Seconds(30));
  EXPECT_THAT(asked, SizeIs(1));
}

TEST_F(RouterKeepAliveTest, AppsWithoutAnIntervalAreNotAsked) {
  UseConfig("{}", absl::InfiniteDuration());
  Publish("a");
  RunFor(absl::Minutes(10));
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(RouterKeepAliveTest, AReloadFollowsWhatLivesAlreadySpreadOverTheInterval) {
  UseConfig("{}", absl::InfiniteDuration());
  for (int i = 0; i < 60; ++i) Publish("s" + std::to_string(i));
  UseConfig("{}", absl::Seconds(60));
  std::set<size_t> seen;
  for (int i = 0; i < 6; ++i) {
    RunFor(absl::Seconds(10));
    seen.insert(asked.size());
  }
  EXPECT_THAT(asked, SizeIs(60)) << "each once";
  EXPECT_GE(seen.size(), 5u) << "not all in one moment";
}

TEST_F(RouterKeepAliveTest, AForbiddenUnderFailTellsTheEngineToEndTheStream) {
  UseConfig(kFailing);
  Publish("a");
  answer = Answered(403, "Forbidden", R"({"status":"x","reason":"no credit"})");
  RunFor(absl::Seconds(30));
  EXPECT_THAT(engines.told, ::testing::ElementsAre("119 media-a no credit"));
  EXPECT_EQ(Count("tallybus_terminates_total", {{"outcome", "told"}}), 1u);
  Publish("a", "UNPUBLISHED");
  RunFor(absl::Minutes(5));
  EXPECT_THAT(engines.told, SizeIs(1));
}

TEST_F(RouterKeepAliveTest, NothingElseEndsAStream) {
  Publish("a");
  answer = Answered(403, "Forbidden");
  RunFor(absl::Seconds(31));
  UseConfig(kFailing);
  for (const DeliveryResult& other : {Answered(401), Answered(500), Refused(), TimedOut()}) {
    answer = other;
    RunFor(absl::Seconds(31));
  }
  EXPECT_GE(asked.size(), 3u);
  EXPECT_THAT(engines.told, IsEmpty());
}

TEST_F(RouterKeepAliveTest, AnotherRoutesForbiddenEndsNothing) {
  auto other = NewOtherRoute("audit");
  other->on_error = OnError::kFail;
  other->endpoint.url = "http://audit";
  AddRoute(other);
  transport.Run([](const auto& attempt) {
    return Answered(attempt.url == "http://audit" ? 403 : 200, "Forbidden");
  });
  Publish("a");
  RunFor(absl::Seconds(31));
  EXPECT_THAT(engines.told, IsEmpty());
}

TEST_F(RouterKeepAliveTest, AnEngineThatSendsItsOwnKeepAliveIsToldToo) {
  UseConfig(kFailing, absl::InfiniteDuration());
  Publish("a");
  answer = Answered(403, "Forbidden");
  Event event = StatusEvent("a", "PUBLISHING");
  event.method = kStreamKeepAliveEvent;
  event.id = {kEngine, ++sequence};
  Send(std::move(event));
  EXPECT_THAT(engines.told, ::testing::ElementsAre("119 media-a Forbidden"));
}

TEST_F(RouterKeepAliveTest, AStreamOfTheOpenBusHasNoEngineToTell) {
  UseConfig(kFailing);
  Send(StatusEvent("a", "PUBLISHING"));
  answer = Answered(403, "Forbidden");
  RunFor(absl::Seconds(30));
  EXPECT_THAT(engines.told, IsEmpty());
  EXPECT_EQ(Count("tallybus_terminates_total", {{"outcome", "no_engine"}}), 1u);
}

TEST_F(RouterKeepAliveTest, AStreamOfALostEngineIsFollowedAgainWhenItReturns) {
  Publish("a");
  PublisherChange change;
  change.source = SourceOfEpoch(kEngine);
  change.epoch = kEngine;
  change.node_id = kNode;
  change.action = PublisherChange::Action::kLost;
  Send(change);
  RunFor(absl::Seconds(31));
  EXPECT_THAT(asked, IsEmpty());
  change.action = PublisherChange::Action::kHello;
  Send(change);
  RunFor(absl::Seconds(31));
  EXPECT_FALSE(asked.empty());
}

}  // namespace
}  // namespace tallybus::testing
