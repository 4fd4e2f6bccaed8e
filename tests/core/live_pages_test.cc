// A backend that was away asks what lives, page by page.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "tallybus/live_page.h"
#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Kind = LivePageFilter::Kind;

class LivePagesTest : public RouterBench {
 protected:
  LivePage Page(const LivePageFilter& filter = {}) { return router->desk().FindLive(filter); }
  static std::vector<std::string> Keys(const LivePage& page) {
    std::vector<std::string> keys;
    for (const LiveRow& row : page.rows) keys.push_back(row.key);
    return keys;
  }
  std::vector<std::string> Find(const LivePageFilter& filter) { return Keys(Page(filter)); }
  std::vector<std::string> Sessions(const std::string& after = "") {
    return Find({.kind = Kind::kSessions, .after = after});
  }
  // One of the acknowledged bus, of which the router knows the engine.
  static SessionChange Session(const std::string& id, SessionChange::Action action) {
    return {action, id, kApp, std::nullopt, 5};
  }
  // Time passes in one step: a day by seconds is long for a sanitizer.
  void Rest(absl::Duration time) {
    clock.Advance(time);
    Run();
  }
  void Open(const std::string& id) { Send(Session(id, SessionChange::Action::kOpen)); }
  void Connected(const std::string& id, const std::string& status) {
    Event event = StatusEvent("", status);
    event.method = kConnectionStatusEvent;
    event.session_id = id;
    event.media_session_id.clear();
    event.terminal = status == "DISCONNECTED";
    event.json = absl::StrCat(R"({"nodeId":"n1","appKey":")", kApp, R"(","sessionId":")", id,
                              R"(","status":")", status, R"(","authToken":"t0p"})");
    Send(std::move(event));
  }
};

TEST_F(LivePagesTest, PagesFollowTheKeysAndHoldWhatLives) {
  for (const char* name : {"c", "a", "e", "b", "d"}) Send(StatusEvent(name, "PUBLISHING"));
  Send(StatusEvent("b", "UNPUBLISHED"));
  LivePageFilter filter{.limit = 2};
  LivePage page = Page(filter);
  EXPECT_THAT(Keys(page), ElementsAre("media-a", "media-c"));
  filter.after = page.next;
  page = Page(filter);
  EXPECT_THAT(Keys(page), ElementsAre("media-d", "media-e"));
  EXPECT_EQ(page.next, "");
}

TEST_F(LivePagesTest, OnePageLooksAtFiveHundredAtMostHoweverFewOfThemPass) {
  for (int i = 0; i < 1100; ++i) Send(StatusEvent(absl::StrCat(1000 + i), "PUBLISHING"));
  Send(StatusEvent("zz", "PLAYING"));
  LivePageFilter filter{.status = "PLAYING"};
  int pages = 0;
  for (LivePage page = Page(filter);; page = Page(filter), ++pages) {
    filter.after = page.next;
    if (page.next.empty()) {
      EXPECT_THAT(Keys(page), ElementsAre("media-zz"));
      break;
    }
    EXPECT_THAT(page.rows, IsEmpty());
  }
  EXPECT_EQ(pages, 2);
}

TEST_F(LivePagesTest, EachFilterMustFit) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("b", "PAUSED"));
  EXPECT_THAT(Find({.name = "b"}), ElementsAre("media-b"));
  EXPECT_THAT(Find({.status = "PUBLISHING"}), ElementsAre("media-a"));
  EXPECT_THAT(Find({.app = kApp, .session = kSession}), SizeIs(2));
  EXPECT_THAT(Find({.app = "other"}), IsEmpty());
  EXPECT_THAT(Find({.node = "nowhere"}), IsEmpty());
  const std::string node = Page().rows.at(0).node_id;
  EXPECT_THAT(Find({.node = node, .name = "a"}), ElementsAre("media-a"));
}

TEST_F(LivePagesTest, TheNumberOfAStreamsLaneTellsWhichEventsComeAfter) {
  Send(StatusEvent("a", "PUBLISHING"));
  Send(StatusEvent("a", "PAUSED"));
  Send(StatusEvent("b", "PUBLISHING"));
  const LivePage page = Page();
  ASSERT_THAT(page.rows, SizeIs(2));
  EXPECT_EQ(page.rows[0].lane_sequence, 2u);
  EXPECT_EQ(page.rows[1].lane_sequence, 1u);
  EXPECT_EQ(page.as_of, 3u) << "three rows";
  EXPECT_EQ(page.rows[1].lane, transport.attempts().back().lane);
  Send(StatusEvent("a", "PAUSED"));
  EXPECT_EQ(Page().rows[0].lane_sequence, 3u) << "a repeated status is an event as well";
  RemoveRoute(kApp);
  EXPECT_EQ(Page().rows[0].lane_sequence, 3u) << "what was told stays told";
}

TEST_F(LivePagesTest, ANumberThatWasToldStaysGoodForADay) {
  transport.Run([](const auto&) { return Answered(200); });
  Send(StatusEvent("a", "PUBLISHING"));
  Rest(absl::Hours(23));
  EXPECT_EQ(Page().rows.at(0).lane_sequence, 1u);
  Rest(absl::Hours(23));
  Send(StatusEvent("a", "PAUSED"));
  EXPECT_EQ(transport.attempts().back().lane_sequence, 2u) << "nobody takes it for the first";
  Rest(absl::Hours(25));
  EXPECT_EQ(Page().rows.at(0).lane_sequence, 0u);
}

TEST_F(LivePagesTest, ItStaysGoodWhereAnotherStreamOfTheLaneHasEnded) {
  transport.Run([](const auto&) { return Answered(200); });
  Event again = StatusEvent("a", "PUBLISHING");
  again.media_session_id = "media-again";
  Send(StatusEvent("a", "PUBLISHING"));
  Send(again);
  Send(StatusEvent("a", "UNPUBLISHED"));
  EXPECT_EQ(Page().rows.at(0).lane_sequence, 3u);
  Rest(absl::Hours(2));
  again.status = "PAUSED";
  Send(again);
  EXPECT_EQ(transport.attempts().back().lane_sequence, 4u);
}

TEST_F(LivePagesTest, AStreamOfWhichTheBackendIsNotToldHasNoNumberAndHidesTheSame) {
  auto route = NewRoute();
  route->app_config = ParseRestClientConfig(
                          R"({"StreamStatusEvent":{"restPolicy":"DISABLE","restExclude":"name"}})")
                          .config;
  SetRoute(route);
  Send(StatusEvent("a", "PUBLISHING"));
  const LiveRow row = Page().rows.at(0);
  EXPECT_EQ(row.lane_sequence, 0u);
  EXPECT_FALSE(row.told);
  EXPECT_THAT(row.json, Not(HasSubstr("\"name\"")));
  SetRoute(NewRoute());
  EXPECT_TRUE(Page().rows.at(0).told);
}

TEST_F(LivePagesTest, ASessionIsListedWithTheConfigThatItBrought) {
  SessionChange opened = Session("s1", SessionChange::Action::kOpen);
  opened.rest_client_config = R"({"StreamStatusEvent":{"restOnError":"FAIL"}})";
  Send(opened);
  Open("s2");
  const LivePage page = Page({.kind = Kind::kSessions});
  ASSERT_THAT(page.rows, SizeIs(2));
  ASSERT_NE(page.rows[0].config, nullptr);
  EXPECT_EQ(page.rows[0].config->For("StreamStatusEvent").on_error, OnError::kFail);
  EXPECT_EQ(page.rows[1].config, nullptr);
}

TEST_F(LivePagesTest, ABackendSeesWhatItIsSentAndNoSdp) {
  auto route = NewRoute();
  route->app_config =
      ParseRestClientConfig(R"({"StreamStatusEvent":{"restExclude":"mediaProvider"}})").config;
  SetRoute(route);
  Event event = StatusEvent("a", "PUBLISHING");
  event.json =
      absl::StrReplaceAll(event.json, {{"{", R"({"sdp":"v=0","mediaProvider":"WebRTC",)"}});
  Send(std::move(event));
  const std::string json = Page().rows.at(0).json;
  EXPECT_THAT(json, HasSubstr("PUBLISHING"));
  EXPECT_THAT(json, Not(HasSubstr("sdp")));
  EXPECT_THAT(json, Not(HasSubstr("mediaProvider")));
}

TEST_F(LivePagesTest, ASessionIsListedFromItsOpeningOrItsEventToItsEnd) {
  Open("s2");
  Connected("s1", "ESTABLISHED");
  Connected("s3", "ESTABLISHED");
  EXPECT_THAT(Sessions(), ElementsAre("s1", "s2", "s3"));
  EXPECT_THAT(Sessions("s1"), ElementsAre("s2", "s3"));
  const LivePage page = Page({.kind = Kind::kSessions, .session = "s1"});
  ASSERT_THAT(page.rows, SizeIs(1));
  EXPECT_EQ(page.rows[0].status, "ESTABLISHED");
  EXPECT_EQ(page.rows[0].json, "") << "it may have credentials";
  Connected("s3", "DISCONNECTED");
  Send(Session("s2", SessionChange::Action::kClose));
  EXPECT_THAT(Sessions(), ElementsAre("s1"));
  EXPECT_THAT(Find({}), IsEmpty()) << "a session is no stream";
}

}  // namespace
}  // namespace tallybus::testing
