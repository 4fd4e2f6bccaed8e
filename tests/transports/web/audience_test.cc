// The seam between what lives and what comes, and all that may go wrong at it.
#include "transports/web/audience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/transports/web/audience_bench.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using testing::FakeClient;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using AudienceTest = testing::AudienceBench;

TEST_F(AudienceTest, AWatchBeginsWhereItsSnapshotWasTaken) {
  FakeClient* client = NewClient();
  EXPECT_FALSE(watching_);
  ASSERT_TRUE(Watch(client, Session("s1")));
  EXPECT_TRUE(watching_) << "before the router is asked: from then on no event may pass by";
  ASSERT_THAT(asked_, SizeIs(1));
  EXPECT_THAT(asked_[0].filters.at(0).sessions, ElementsAre("s1"));
  Take({Event("before"), Found(0), Event("after"), Event("other", "s2")});
  EXPECT_THAT(client->told, ElementsAre("0 Snapshot", "1 after"));
  EXPECT_THAT(client->tails[0], HasSubstr("\"s1\""));
}

TEST_F(AudienceTest, WhatIsAskedWhileTheRouterAnswersGoesTogetherIntoTheNextQuestion) {
  FakeClient* first = NewClient();
  ASSERT_TRUE(Watch(first, Session("s1")));
  std::vector<FakeClient*> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(NewClient());
    ASSERT_TRUE(Watch(others.back(), Session(i < 4 ? "s2" : "s3")));
  }
  EXPECT_THAT(asked_, SizeIs(1));
  Take({Found(0)});
  ASSERT_THAT(asked_, SizeIs(2));
  EXPECT_THAT(asked_[1].filters, SizeIs(2)) << "equal watches share an answer";
  Take({Found(1)});
  for (FakeClient* client : others) EXPECT_THAT(client->told, ElementsAre("0 Snapshot"));
  EXPECT_THAT(others[4]->tails[0], HasSubstr("s3"));
}

TEST_F(AudienceTest, AnEventThatFitsSeveralWatchesIsToldOnce) {
  FakeClient* client = NewClient();
  tallybus_v1::Watch watch = Session("s1");
  watch.keys.push_back({WatchKey::Kind::kApp, "app"});
  ASSERT_TRUE(Watch(client, watch));
  Take({Found(0), Event("a")});
  EXPECT_THAT(client->told, ElementsAre("0 Snapshot", "1 a"));
}

TEST_F(AudienceTest, ASecondWatchOfTheSameBringsASnapshotAndNoEventTwice) {
  FakeClient* client = Watching();
  ASSERT_TRUE(Watch(client, Session("s1")));
  EXPECT_TRUE(Audience::Busy(*client));
  Take({Event("a"), Found(1), Event("b")});
  EXPECT_THAT(client->told, ElementsAre("1 a", "1 Snapshot", "2 b"));
  EXPECT_FALSE(Audience::Busy(*client));
}

TEST_F(AudienceTest, AfterAnUnwatchNothingMoreIsTold) {
  FakeClient* client = Watching();
  audience_->Unwatch(client, {{WatchKey::Kind::kSession, "s1"}});
  Send("a");
  EXPECT_THAT(client->told, IsEmpty());
}

TEST_F(AudienceTest, WhoComesBackIsToldWhatItMissedAndNoSnapshot) {
  (void)Watching();
  for (const char* id : {"a", "b", "c"}) Send(id);
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  ASSERT_THAT(asked_, SizeIs(2));
  EXPECT_THAT(asked_[1].filters, IsEmpty()) << "the router need not look";
  Take({Event("d"), Found(1), Event("e")});
  EXPECT_THAT(back->told, ElementsAre("0 Resumed", "1 b", "2 c", "3 d", "4 e"));
}

TEST_F(AudienceTest, WhatTheRingDoesNotKnowIsAGapAndASnapshot) {
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "unknown")));
  Take({Found(0), Event("a")});
  EXPECT_THAT(back->told, ElementsAre("0 Gap", "0 Snapshot", "1 a"));
  EXPECT_THAT(back->tails[0], HasSubstr("null"));
  EXPECT_EQ(Count("tallybus_client_gaps_total", "ring"), 1u);
  EXPECT_EQ(audience_->gaps(), 0u) << "that is no client which reads too slowly";
}

TEST_F(AudienceTest, WhatGoesFromTheRingWhileTheRouterIsAskedIsAGapAndASnapshot) {
  (void)Watching();
  Send("a");
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  for (int i = 0; i < 8; ++i) Send("new-" + std::to_string(i));
  Take({Found(1)});
  EXPECT_THAT(back->told, IsEmpty());
  ASSERT_THAT(asked_, SizeIs(3));
  EXPECT_THAT(asked_[2].filters, SizeIs(1));
  Take({Found(2), Event("b")});
  EXPECT_THAT(back->told, ElementsAre("0 Gap", "0 Snapshot", "1 b"));
}

TEST_F(AudienceTest, WhoIsBoundToAnAppHearsOfNoOtherInSnapshotEventsAndReplay) {
  FakeClient* bounded = NewClient({.app = "app"});
  FakeClient* free = NewClient();
  ASSERT_TRUE(Watch(bounded, Session("s1")));
  Take({Found(0)});
  ASSERT_TRUE(Watch(free, Session("s1")));
  EXPECT_EQ(asked_.at(0).filters.at(0).within_app, "app");
  EXPECT_EQ(asked_.at(1).filters.at(0).within_app, "");
  Take({Found(1), Event("a"), Event("b", "s1", "other"), Event("c")});
  EXPECT_THAT(bounded->told, ElementsAre("0 Snapshot", "1 a", "2 c"));
  EXPECT_THAT(free->told, ElementsAre("0 Snapshot", "1 a", "2 b", "3 c"));
  FakeClient* back = NewClient({.app = "app"});
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  Take({Found(2)});
  EXPECT_THAT(back->told, ElementsAre("0 Resumed", "1 c"));
}

TEST_F(AudienceTest, EqualWatchesWithinDifferentAppsShareNoSnapshot) {
  (void)Watching("other");
  ASSERT_TRUE(Watch(NewClient(), Session("busy")));
  for (const char* app : {"", "a", "b", "a"}) {
    ASSERT_TRUE(Watch(NewClient({.app = app}), Session("s1")));
  }
  Take({Found(1)});
  EXPECT_THAT(asked_.at(2).filters, SizeIs(3));
}

TEST_F(AudienceTest, WhoReadsTooSlowlySeesOneGapAndTheOthersNone) {
  FakeClient* slow = Watching();
  FakeClient* quick = Watching();
  slow->reads = false;
  for (int i = 0; i < 7; ++i) Send(std::to_string(i));
  EXPECT_THAT(quick->told, SizeIs(7));
  slow->reads = true;
  slow->Wake();
  EXPECT_THAT(slow->told, ElementsAre("1 0", "2 1", "3 2", "4 3", "7 Gap"));
  EXPECT_EQ(Count("tallybus_client_gaps_total", "slow"), 1u);
  EXPECT_EQ(audience_->gaps(), 1u);
  EXPECT_EQ(metrics_.GetCounter("tallybus_client_messages_dropped_total", "", {{"channel", "web"}})
                .Value(),
            3u);
}

TEST_F(AudienceTest, WhatWasLostOnTheWayIsAGapForEverybodyAndNobodyResumesOverIt) {
  FakeClient* client = Watching();
  Send("a");
  AudienceItem lost;
  lost.lost = true;
  Take({std::move(lost), Event("c")});
  EXPECT_THAT(client->told, ElementsAre("1 a", "1 Gap", "2 c"));
  EXPECT_EQ(audience_->gaps(), 1u);
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  Take({Found(asked_.size() - 1)});
  EXPECT_THAT(back->told, ElementsAre("0 Gap", "0 Snapshot"));
}

TEST_F(AudienceTest, AClientThatLeavesBeforeTheAnswerIsForgotten) {
  FakeClient* client = NewClient();
  ASSERT_TRUE(Watch(client, Session("s1")));
  audience_->Leave(client);
  Take({Found(0), Event("a")});
  EXPECT_THAT(client->told, IsEmpty());
  EXPECT_EQ(emptied_, 1);
  EXPECT_EQ(audience_->size(), 0u);
}

TEST_F(AudienceTest, AnAnswerThatWasLostIsAskedForAgain) {
  FakeClient* client = NewClient();
  ASSERT_TRUE(Watch(client, Session("s1")));
  clock_.Advance(absl::Seconds(4));
  audience_->Tick();
  EXPECT_THAT(asked_, SizeIs(1));
  clock_.Advance(absl::Seconds(1));
  audience_->Tick();
  ASSERT_THAT(asked_, SizeIs(2));
  Take({Found(0)});
  EXPECT_THAT(client->told, IsEmpty()) << "an answer to the first question is nobody's";
  Take({Found(1)});
  EXPECT_THAT(client->told, ElementsAre("0 Snapshot"));
}

TEST_F(AudienceTest, MoreThan64WatchesAreRefused) {
  FakeClient* client = NewClient();
  tallybus_v1::Watch watch;
  for (int i = 0; i < 64; ++i) watch.keys.push_back({WatchKey::Kind::kStream, std::to_string(i)});
  ASSERT_TRUE(Watch(client, watch));
  Take({Found(0)});
  ASSERT_TRUE(Watch(client, watch)) << "they are the same";
  Take({Found(1)});
  EXPECT_FALSE(Watch(client, Session("s1")));
}

TEST_F(AudienceTest, OnceNobodyWatchesForLongTheRouterIsSparedTheEvents) {
  FakeClient* client = Watching();
  Send("a");
  audience_->Tick();
  audience_->Leave(client);
  clock_.Advance(absl::Minutes(4));
  audience_->Tick();
  EXPECT_TRUE(watching_) << "it may come back";
  clock_.Advance(absl::Minutes(1));
  audience_->Tick();
  EXPECT_FALSE(watching_);
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  Take({Found(asked_.size() - 1)});
  EXPECT_THAT(back->told, ElementsAre("0 Gap", "0 Snapshot")) << "events have passed by";
}

TEST_F(AudienceTest, AWatchThatStandsKeepsTheEventsComing) {
  (void)Watching();
  clock_.Advance(absl::Hours(1));
  audience_->Tick();
  clock_.Advance(absl::Minutes(6));
  audience_->Tick();
  EXPECT_TRUE(watching_);
}

TEST_F(AudienceTest, TicksAndTheEndReachEverybody) {
  FakeClient* a = Watching();
  FakeClient* b = NewClient();
  audience_->Tick();
  audience_->GoAway();
  for (FakeClient* client : {a, b}) {
    EXPECT_EQ(client->ticks, 1);
    EXPECT_EQ(client->closed, 1001);
  }
  EXPECT_EQ(metrics_.GetGauge("tallybus_client_connections", "", {{"kind", "websocket"}}).Value(),
            2);
  EXPECT_EQ(metrics_.GetGauge("tallybus_client_watches", "").Value(), 1);
}

}  // namespace
}  // namespace tallybus
