// What a running router tells of the ways of its events: one sentence for each trouble that an
// operator asks about.
#include "router_desk.h"
#include "tests/core/router_desk_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class RouterTraceTest : public RouterDeskBench {
 protected:
  Trace Find() {
    Trace trace;
    router->desk().FindTrace("a", [&](Trace found) { trace = std::move(found); });
    Run();
    return trace;
  }
  std::string Sentence() { return ClosingSentence(Find(), clock.WallNow(), absl::UTCTimeZone()); }
  std::vector<std::string> Steps() {
    std::vector<std::string> what;
    for (const TraceStep& step : StepsOf(Find())) what.push_back(step.what);
    return what;
  }
  void RetryDead() {
    router->desk().Replay(Dead(), false, [](auto) {});
    Run();
  }
};

TEST_F(RouterTraceTest, ADeadLetterWasDropped) {
  code = 400;
  Send(StatusEvent("a", "PUBLISHING"));
  router->desk().Drop(Dead(), false, [](auto) {});
  Run();
  EXPECT_THAT(Sentence(), HasSubstr("Dropped by hand"));
}

TEST_F(RouterTraceTest, ADeadLetterWasSentAgain) {
  code = 400;
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Sentence(), HasSubstr("it is a dead letter: tallybus spool retry"));
  code = 200;
  RetryDead();
  EXPECT_EQ(Sentence(),
            "Delivered at the first attempt after 0 ms, having been sent again by hand at " +
                absl::FormatTime("%H:%M:%S", clock.WallNow(), absl::UTCTimeZone()) + ".");
  EXPECT_THAT(Steps(), Contains("sent again by hand, in the spool: row 2, number 2 of its lane"));
}

TEST_F(RouterTraceTest, WhatWasSentAgainKeepsItsDeathInItsTimeLine) {
  code = 400;
  Send(StatusEvent("a", "PUBLISHING"));
  code = 200;
  RetryDead();
  EXPECT_THAT(Steps(), Contains("rejected: a dead letter"));
}

TEST_F(RouterTraceTest, OfManyItSaysHowManyWereSentAgain) {
  code = 400;
  Send(StatusEvent("a", "PUBLISHING"));
  code = 200;
  RetryDead();
  Send(StatusEvent("a", "PLAYING"));
  EXPECT_EQ(Sentence(), "Both delivered, in order; 1 of them sent again by hand.");
}

TEST_F(RouterTraceTest, TheNextAttemptIsToldAlsoOfWhatWasSeenHere) {
  code = 500;
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Sentence(), HasSubstr("Still waiting after 1 attempt to defaultApp/backend (500 Said "
                                    "so); next attempt in "));
}

TEST_F(RouterTraceTest, AnEndpointThatAPersonShutOpensByNoTime) {
  code = 500;
  Send(StatusEvent("a", "PUBLISHING"));
  ASSERT_TRUE(Control(Verb::kPause).ok());
  EXPECT_THAT(Sentence(), HasSubstr("has been paused since"));
  EXPECT_THAT(Sentence(), HasSubstr("(because)."));
}

TEST_F(RouterTraceTest, ABreakersNextProbeIsTheNextAttempt) {
  code = 500;
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Minutes(5));
  EXPECT_THAT(Sentence(), HasSubstr("has been down since"));
  EXPECT_THAT(Sentence(), HasSubstr("; next attempt in "));
}

TEST_F(RouterTraceTest, AMethodThatIsHeld) {
  code = 404;
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Sentence(), HasSubstr("Still waiting: defaultApp/backend has not taken "
                                    "StreamStatusEvent since "));
  EXPECT_THAT(Sentence(), HasSubstr("(answer 404); next attempt in "));
}

TEST_F(RouterTraceTest, AnEndpointThatAPersonDisabled) {
  ASSERT_TRUE(Control(Verb::kDisable).ok());
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_THAT(Sentence(), HasSubstr("Not delivered: defaultApp/backend was disabled (because)"));
  EXPECT_THAT(Sentence(), HasSubstr("tallybus endpoint enable defaultApp/backend"));
  EXPECT_THAT(Sentence(), HasSubstr("tallybus spool retry --id "));
}

TEST_F(RouterTraceTest, WhatOutlastedTheLongestOutageSaysSo) {
  ASSERT_TRUE(Control(Verb::kPause).ok());
  Send(StatusEvent("a", "PUBLISHING"));
  RunFor(absl::Hours(73));
  EXPECT_THAT(Sentence(), HasSubstr("Given up (its endpoint was away for too long); it is a dead"));
  EXPECT_THAT(Steps(), Contains("given up: a dead letter: its endpoint was away for too long"));
}

}  // namespace
}  // namespace tallybus::testing
