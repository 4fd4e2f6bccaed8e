// What a client that reads slowly, or comes back, is told.
#include "transports/web/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WatcherTest : public ::testing::Test {
 protected:
  static ClientMessagePtr Event(const std::string& id, const std::string& session = "s1",
                                size_t bytes = 0) {
    ClientMessage message;
    message.id = id;
    message.name = "StreamStatusEvent";
    message.session_id = session;
    message.app_key = "app";
    message.tail = std::string(bytes, ' ');
    return std::make_shared<const ClientMessage>(std::move(message));
  }
  static SnapshotPtr Snapshot(std::vector<std::string> tails) {
    return std::make_shared<const std::vector<std::string>>(std::move(tails));
  }
  void Push(const std::string& id, const std::string& session = "s1") {
    ring_.Push(Event(id, session));
  }
  void Resume(uint64_t from, std::vector<WatchKey> had = {}) {
    auto replay = std::make_unique<Replay>();
    *replay = {from, ring_.end(), {{WatchKey::Kind::kSession, "s1"}}, std::move(had)};
    watcher_.Resume(std::move(replay));
  }
  // "<sequence> <id>" of an event, "<sequence> <tail>" of all else.
  std::string Next() {
    const std::optional<Outgoing> next = watcher_.Next(ring_);
    if (!next) return "nothing";
    return std::to_string(next->sequence) + " " +
           std::string(next->id.empty() ? next->tail : next->id);
  }
  std::vector<std::string> All() {
    std::vector<std::string> all;
    for (std::string next = Next(); next != "nothing"; next = Next()) all.push_back(next);
    return all;
  }
  static std::string Gap(const std::string& missed) {
    return "\"message\":\"Gap\",\"data\":[{\"missed\":" + missed + "}]}";
  }
  static std::string Resumed() { return "\"message\":\"Resumed\",\"data\":[]}"; }

  Watcher::Limits limits_{4, 4096};
  Watcher watcher_{limits_};
  ReplayRing ring_{8, 1 << 20};
};

TEST_F(WatcherTest, EventsAreToldInOrderAndCountedFromOne) {
  EXPECT_EQ(Next(), "nothing");
  for (const char* id : {"a", "b", "c"}) {
    EXPECT_EQ(watcher_.Offer(Event(id)), Watcher::Offered::kQueued);
  }
  EXPECT_THAT(All(), ElementsAre("1 a", "2 b", "3 c"));
}

TEST_F(WatcherTest, WhatIsOverTheLimitIsOneGapThatTheSequenceCounts) {
  for (const char* id : {"a", "b", "c", "d"}) (void)watcher_.Offer(Event(id));
  EXPECT_EQ(watcher_.Offer(Event("e")), Watcher::Offered::kGapBegan);
  EXPECT_EQ(watcher_.Offer(Event("f")), Watcher::Offered::kDropped);
  EXPECT_THAT(All(), ElementsAre("1 a", "2 b", "3 c", "4 d", "6 " + Gap("2")));
  (void)watcher_.Offer(Event("g"));
  EXPECT_THAT(All(), ElementsAre("7 g"));
}

TEST_F(WatcherTest, AfterAGapHalfOfTheRoomMustBeFreeAgain) {
  for (const char* id : {"a", "b", "c", "d", "e"}) (void)watcher_.Offer(Event(id));
  EXPECT_EQ(Next(), "1 a");
  EXPECT_EQ(watcher_.Offer(Event("f")), Watcher::Offered::kDropped) << "one place is not half";
  EXPECT_EQ(Next(), "2 b");
  EXPECT_EQ(watcher_.Offer(Event("g")), Watcher::Offered::kQueued);
  EXPECT_THAT(All(), ElementsAre("3 c", "4 d", "6 " + Gap("2"), "7 g"));
}

TEST_F(WatcherTest, BytesAreBoundedTooButForOneEventThatIsLargerByItself) {
  EXPECT_EQ(watcher_.Offer(Event("large", "s1", 5000)), Watcher::Offered::kQueued);
  EXPECT_EQ(watcher_.Offer(Event("small")), Watcher::Offered::kGapBegan);
  EXPECT_THAT(All(), ElementsAre("1 large", "2 " + Gap("1")));
}

TEST_F(WatcherTest, WhatWasLostOnTheWayIsAGapOfUnknownSize) {
  (void)watcher_.Offer(Event("a"));
  watcher_.Miss();
  (void)watcher_.Offer(Event("b"));
  EXPECT_THAT(All(), ElementsAre("1 a", "1 " + Gap("null"), "2 b"));
}

TEST_F(WatcherTest, ASnapshotStandsAtItsPlaceAndCarriesTheSequenceBeforeIt) {
  (void)watcher_.Offer(Event("a"));
  watcher_.Tell(Snapshot({"piece 1", "piece 2"}));
  (void)watcher_.Offer(Event("b"));
  EXPECT_TRUE(watcher_.TellsState());
  EXPECT_THAT(All(), ElementsAre("1 a", "1 piece 1", "1 piece 2", "2 b"));
  EXPECT_FALSE(watcher_.TellsState());
}

TEST_F(WatcherTest, ASnapshotTakesNoRoomFromEvents) {
  watcher_.Tell(Snapshot({std::string(100'000, ' ')}));
  for (const char* id : {"a", "b", "c", "d"}) {
    EXPECT_EQ(watcher_.Offer(Event(id)), Watcher::Offered::kQueued);
  }
}

TEST_F(WatcherTest, AReplayTellsWhatFitsOutOfTheRingAndThenWhatCame) {
  for (const char* id : {"a", "b"}) Push(id);
  Push("x", "other");
  Push("c");
  Resume(*ring_.After("a"));
  Push("d");
  (void)watcher_.Offer(Event("d"));
  EXPECT_TRUE(watcher_.TellsState());
  EXPECT_THAT(All(), ElementsAre("0 " + Resumed(), "1 b", "2 c", "3 d"));
  EXPECT_FALSE(watcher_.TellsState());
}

TEST_F(WatcherTest, AReplayIsNotBoundByTheQueue) {
  for (int i = 0; i < 8; ++i) Push(std::to_string(i));
  Resume(ring_.first());
  EXPECT_EQ(All().size(), 9u);
}

TEST_F(WatcherTest, AReplayLeavesOutWhatAnotherWatchHasTold) {
  for (const char* id : {"a", "b"}) Push(id);
  Resume(ring_.first(), {{WatchKey::Kind::kApp, "app"}});
  EXPECT_THAT(All(), ElementsAre("0 " + Resumed()));
}

TEST_F(WatcherTest, ARingThatRunsAheadOfAReplayLeavesAGap) {
  for (int i = 0; i < 4; ++i) Push("old-" + std::to_string(i));
  Resume(ring_.first());
  EXPECT_EQ(Next(), "0 " + Resumed());
  EXPECT_EQ(Next(), "1 old-0");
  for (int i = 0; i < 7; ++i) Push("new-" + std::to_string(i), "other");
  EXPECT_THAT(All(), ElementsAre("1 " + Gap("null"), "2 old-3"));
}

TEST_F(WatcherTest, WhatIsDroppedAtTheEndIsToldNoMore) {
  for (const char* id : {"a", "b", "c", "d", "e"}) (void)watcher_.Offer(Event(id));
  watcher_.Tell(Snapshot({"piece"}));
  watcher_.Drop();
  EXPECT_THAT(All(), IsEmpty());
  EXPECT_FALSE(watcher_.TellsState());
}

TEST_F(WatcherTest, ManyThousandsPassThroughASmallQueue) {
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    (void)watcher_.Offer(Event(std::to_string(i)));
    if (i % 2 == 0) continue;
    const std::string first = Next();
    last = first + ", " + Next();
  }
  EXPECT_EQ(last, "9999 9998, 10000 9999");
}

}  // namespace
}  // namespace tallybus
