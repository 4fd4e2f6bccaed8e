// What a rush of clients may cost: passes of the router's thread, and snapshots that nobody reads.
#include <string>
#include <utility>
#include <vector>

#include "tests/transports/web/audience_bench.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using testing::FakeClient;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using AudienceRoomTest = testing::AudienceBench;

TEST_F(AudienceRoomTest, WhatHadNoRoomInItsPassIsAskedForAgainBeforeThoseThatCameLater) {
  std::vector<FakeClient*> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(NewClient());
    ASSERT_TRUE(Watch(clients[i], Session("s" + std::to_string(i))));
  }
  Take({Found(0)});
  FakeClient* later = NewClient();
  ASSERT_TRUE(Watch(later, Session("s4")));
  AudienceItem found = Found(1);
  ASSERT_THAT(found.found, SizeIs(3));
  found.found[1] = found.found[2] = {};
  found.found[1].postponed = found.found[2].postponed = true;
  Take({std::move(found), Event("a", "s1")});
  EXPECT_THAT(clients[1]->told, ElementsAre("0 Snapshot", "1 a"));
  EXPECT_THAT(clients[2]->told, IsEmpty());
  ASSERT_THAT(asked_, SizeIs(3));
  ASSERT_THAT(asked_[2].filters, SizeIs(3));
  EXPECT_THAT(asked_[2].filters[0].sessions, ElementsAre("s2"));
  EXPECT_THAT(asked_[2].filters[2].sessions, ElementsAre("s4"));
  Take({Found(2)});
  for (FakeClient* client : {clients[2], clients[3], later}) {
    EXPECT_THAT(client->told, ElementsAre("0 Snapshot"));
  }
}

class AudiencePassesTest : public testing::AudienceBench {
 protected:
  AudiencePassesTest() {
    options_.pass_filters = 8;
    options_.between_passes = absl::Milliseconds(50);
    options_.snapshot_bytes = 200;
    Make();
  }
  // The pause is over.
  void Turn() {
    clock_.Advance(absl::Milliseconds(50));
    audience_->Turn();
  }
};

TEST_F(AudiencePassesTest, APassAsksForABoundedNumberOfFiltersHoweverManyComeAtOnce) {
  ASSERT_TRUE(Watch(NewClient(), Session("first")));
  std::vector<FakeClient*> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(NewClient());
    ASSERT_TRUE(Watch(clients.back(), Session("s" + std::to_string(i))));
  }
  Take({Found(0)});
  for (size_t asked : {8, 8, 4}) {
    Turn();
    EXPECT_THAT(asked_.back().filters, SizeIs(asked));
    Take({Found(asked_.size() - 1)});
  }
  for (FakeClient* client : clients) EXPECT_THAT(client->told, ElementsAre("0 Snapshot"));
  EXPECT_THAT(asked_, SizeIs(4));
}

TEST_F(AudiencePassesTest, WatchesThatComeOneByOneAreAskedForTogetherAfterAPause) {
  FakeClient* client = Watching();
  FakeClient* other = NewClient();
  clock_.Advance(absl::Milliseconds(20));
  ASSERT_TRUE(Watch(client, Session("s1")));
  ASSERT_TRUE(Watch(other, Session("s2")));
  Send("a");
  EXPECT_THAT(asked_, SizeIs(1));
  EXPECT_THAT(turns_, ElementsAre(absl::Milliseconds(30)));
  clock_.Advance(absl::Milliseconds(30));
  audience_->Turn();
  ASSERT_THAT(asked_, SizeIs(2));
  EXPECT_THAT(asked_[1].filters, SizeIs(2));
  Take({Found(1)});
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Watch(client, Session("s1")));
  EXPECT_THAT(asked_, SizeIs(3)) << "after a pause nobody waits";
}

TEST_F(AudiencePassesTest, NoMoreSnapshotsAreMadeThanMayWaitUnread) {
  std::vector<FakeClient*> slow;
  size_t asked = 0;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(NewClient());
    slow.back()->reads = false;
    ASSERT_TRUE(Watch(slow.back(), Session("s" + std::to_string(i))));
    if (asked_.size() > asked) Take({Found(asked++)});
    Turn();
  }
  EXPECT_LT(asked, 8u);
  EXPECT_GT(asked, 2u);
  slow[0]->reads = true;
  slow[0]->Wake();
  Turn();
  EXPECT_EQ(asked_.size(), asked + 1) << "one was read, there is room again";
}

TEST_F(AudiencePassesTest, WhoResumesWaitsForNobodysSnapshot) {
  FakeClient* client = Watching();
  Send("a");
  client->reads = false;
  for (int i = 0; i < 8; ++i) {
    FakeClient* slow = NewClient();
    slow->reads = false;
    ASSERT_TRUE(Watch(slow, Session("s" + std::to_string(i))));
  }
  Turn();
  Take({Found(1)});
  Turn();
  FakeClient* waits = NewClient();
  ASSERT_TRUE(Watch(waits, Session("s9")));
  FakeClient* back = NewClient();
  ASSERT_TRUE(Watch(back, Session("s1", "a")));
  Turn();
  ASSERT_THAT(asked_, SizeIs(3));
  EXPECT_THAT(asked_[2].filters, IsEmpty());
  Take({Found(2)});
  EXPECT_THAT(back->told, ElementsAre("0 Resumed"));
  EXPECT_THAT(waits->told, IsEmpty());
}

TEST_F(AudiencePassesTest, WhoKeepsHisSnapshotForLongIsClosedWhereOthersWaitForTheirs) {
  FakeClient* slow = NewClient();
  slow->reads = false;
  tallybus_v1::Watch large = Session(std::string(300, 's'));
  ASSERT_TRUE(Watch(slow, large));
  Take({Found(0)});
  clock_.Advance(absl::Minutes(5));
  audience_->Tick();
  EXPECT_EQ(slow->closed, 0) << "nobody waits";
  FakeClient* waits = NewClient();
  ASSERT_TRUE(Watch(waits, Session("s1")));
  Turn();
  EXPECT_THAT(asked_, SizeIs(1));
  audience_->Tick();
  EXPECT_EQ(slow->closed, 4408);
  Turn();
  ASSERT_THAT(asked_, SizeIs(2));
  Take({Found(1)});
  EXPECT_THAT(waits->told, ElementsAre("0 Snapshot"));
}

}  // namespace
}  // namespace tallybus
