// What a client that begins to watch is told first.
#include "tallybus/live_streams.h"

#include <absl/strings/str_replace.h>

#include "tests/core/router_recovery_bench.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::OpenSession;
using testing::RouterBench;
using ::testing::SizeIs;
using testing::StatusEvent;

class LiveStreamsTest : public RouterBench {
 protected:
  static Event Of(const std::string& session, const std::string& name, const std::string& status) {
    Event event = StatusEvent(name, status);
    event.session_id = session;
    event.json = absl::StrReplaceAll(event.json, {{testing::kSession, session}});
    return event;
  }
  std::vector<std::string> Find(const LiveFilter& filter) {
    return router->FindLive({filter}).at(0).json;
  }
};

TEST_F(LiveStreamsTest, AStreamIsFoundBySessionNameOrAppAndOnlyWhileItLives) {
  Send(Of("s1", "cam-1", "PUBLISHING"));
  Send(Of("s2", "cam-2", "PUBLISHING"));
  EXPECT_THAT(Find({.sessions = {"s1"}}), ElementsAre(HasSubstr("cam-1")));
  EXPECT_THAT(Find({.streams = {"cam-2"}}), ElementsAre(HasSubstr("cam-2")));
  EXPECT_THAT(Find({.apps = {testing::kApp}}), SizeIs(2));
  EXPECT_THAT(Find({.sessions = {"s3"}, .streams = {"cam"}, .apps = {"other"}}), IsEmpty());
  Send(Of("s1", "cam-1", "UNPUBLISHED"));
  EXPECT_THAT(Find({.apps = {testing::kApp}}), ElementsAre(HasSubstr("cam-2")));
}

TEST_F(LiveStreamsTest, AStreamThatFitsSeveralWordsOfAFilterIsToldOnce) {
  Send(Of("s1", "cam-1", "PUBLISHING"));
  EXPECT_THAT(Find({.sessions = {"s1", "s1"}, .streams = {"cam-1"}, .apps = {testing::kApp}}),
              SizeIs(1));
}

TEST_F(LiveStreamsTest, AStreamOfAnotherAppThanTheFilterIsBoundToIsNotFound) {
  Send(Of("s1", "cam-1", "PUBLISHING"));
  for (const char* app : {testing::kApp, "other"}) {
    const LiveFilter filter{
        .sessions = {"s1"}, .streams = {"cam-1"}, .apps = {testing::kApp}, .within_app = app};
    EXPECT_THAT(Find(filter), SizeIs(app == std::string("other") ? 0 : 1)) << app;
  }
}

TEST_F(LiveStreamsTest, EachFilterHasItsOwnAnswer) {
  Send(Of("s1", "cam-1", "PUBLISHING"));
  Send(Of("s2", "cam-2", "PUBLISHING"));
  const auto found = router->FindLive({{.sessions = {"s2"}}, {.sessions = {"s1"}}, {}});
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_THAT(found[0].json, ElementsAre(HasSubstr("cam-2")));
  EXPECT_THAT(found[1].json, ElementsAre(HasSubstr("cam-1")));
  EXPECT_THAT(found[2].json, IsEmpty());
}

TEST_F(LiveStreamsTest, TheClientsExclusionsOfTheSessionHoldAndSdpIsLeftOut) {
  Send(OpenSession("s1", R"({"StreamStatusEvent":{"clientExclude":"mediaSessionId"}})"));
  Send(Of("s1", "cam-1", "PUBLISHING"));
  Send(Of("s2", "cam-2", "PUBLISHING"));
  const auto hidden = Find({.sessions = {"s1"}});
  ASSERT_THAT(hidden, SizeIs(1));
  EXPECT_THAT(hidden[0], Not(HasSubstr("mediaSessionId")));
  EXPECT_THAT(hidden[0], Not(HasSubstr("sdp")));
  EXPECT_THAT(Find({.sessions = {"s2"}}), ElementsAre(HasSubstr("mediaSessionId")));
}

TEST_F(LiveStreamsTest, WhatTheFilterHasNoRoomForIsCutAndSaysSo) {
  for (int i = 0; i < 5; ++i) Send(Of("s1", "cam-" + std::to_string(i), "PUBLISHING"));
  auto found = router->FindLive({{.sessions = {"s1"}, .most_streams = 3}});
  EXPECT_THAT(found[0].json, SizeIs(3));
  EXPECT_TRUE(found[0].cut);
  found = router->FindLive({{.sessions = {"s1"}, .most_streams = 5}});
  EXPECT_THAT(found[0].json, SizeIs(5));
  EXPECT_FALSE(found[0].cut);
  found = router->FindLive({{.sessions = {"s1"}, .most_bytes = 200}});
  EXPECT_THAT(found[0].json, SizeIs(1));
  EXPECT_TRUE(found[0].cut);
}

TEST_F(LiveStreamsTest, AWalkHoldsNoMoreThanItMayAndThoseWhoAskedLastAreAskedAgain) {
  for (int i = 0; i < 4; ++i) Send(Of("s1", "cam-" + std::to_string(i), "PUBLISHING"));
  Send(Of("s2", "other", "PUBLISHING"));
  size_t bytes = 0;
  for (const std::string& json : Find({.sessions = {"s1"}})) bytes += json.size();
  const LiveFilter all{.sessions = {"s1"}};
  auto found = router->FindLive({all, all, all, {.sessions = {"s2"}}}, 2 * bytes);
  ASSERT_THAT(found, SizeIs(4));
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].postponed, i >= 2) << i;
    EXPECT_THAT(found[i].json, SizeIs(i >= 2 ? 0 : 4)) << i;
    EXPECT_FALSE(found[i].cut);
  }
  found = router->FindLive({all, {.sessions = {"s2"}}}, 1);
  EXPECT_THAT(found[0].json, SizeIs(4)) << "the first is always answered";
  EXPECT_FALSE(found[0].postponed);
  EXPECT_TRUE(found[1].postponed);
}

TEST_F(LiveStreamsTest, AnEventWithoutASessionReachesTheChannelsWithItsStreamAndApp) {
  Event event = StatusEvent("cam-1", "PUBLISHING");
  event.session_id.clear();
  Send(event);
  EXPECT_THAT(channel.all(), IsEmpty());
  ASSERT_THAT(channel.without_session(), SizeIs(1));
  EXPECT_EQ(channel.without_session()[0].name, "cam-1");
  EXPECT_EQ(channel.without_session()[0].app_key, testing::kApp);
}

using LiveStreamsRecoveryTest = testing::RouterRecoveryBench;

TEST_F(LiveStreamsRecoveryTest, AnEarlierProcessesStreamsAreThereAfterARestart) {
  OpenStreams(3);
  Restart();
  EXPECT_THAT(router->FindLive({{.sessions = {"s1"}}}).at(0).json, ElementsAre(HasSubstr("n1")));
  EXPECT_THAT(router->FindLive({{.streams = {"n2"}}}).at(0).json, ElementsAre(HasSubstr("s2")));
}

}  // namespace
}  // namespace tallybus
