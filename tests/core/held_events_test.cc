// Events that wait for their session's connect: bounded, in order, and not lost with the process.
#include "held_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> NamesOf(const std::vector<Event>& events) {
  std::vector<std::string> names;
  for (const Event& event : events) names.push_back(event.name);
  return names;
}

class HeldEventsTest : public ::testing::Test {
 protected:
  bool Hold(const std::string& name) {
    return held.Hold("source", StatusEvent(name, "PUBLISHING"), &changes);
  }

  HeldEvents held;
  HeldEvents::Changes changes;
};

TEST_F(HeldEventsTest, OnlyASessionThatAsksHolds) {
  EXPECT_FALSE(held.Holds(kSession));
  held.Begin(kSession);
  EXPECT_TRUE(held.Holds(kSession));
  EXPECT_FALSE(held.Holds("another"));
  held.End(kSession, &changes);
  EXPECT_FALSE(held.Holds(kSession));
}

TEST_F(HeldEventsTest, WhatIsHeldGoesInOrderWithTheLastAnswer) {
  held.Begin(kSession);
  held.Begin(kSession);
  ASSERT_TRUE(Hold("a"));
  ASSERT_TRUE(Hold("b"));
  EXPECT_THAT(held.End(kSession, &changes), IsEmpty());
  ASSERT_TRUE(Hold("c"));
  EXPECT_THAT(NamesOf(held.End(kSession, &changes)), ElementsAre("a", "b", "c"));
  ASSERT_THAT(changes, SizeIs(6));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(changes[i].json.empty());
    EXPECT_TRUE(changes[i + 3].json.empty()) << "it is taken out of the store";
    EXPECT_EQ(changes[i + 3].key, changes[i].key);
  }
}

TEST_F(HeldEventsTest, ASessionHoldsSixtyFourAndNoMore) {
  held.Begin(kSession);
  for (size_t i = 0; i < HeldEvents::kMostOfASession; ++i) ASSERT_TRUE(Hold("a"));
  EXPECT_FALSE(Hold("b"));
  EXPECT_THAT(held.LetGo(kSession, &changes), SizeIs(HeldEvents::kMostOfASession));
  EXPECT_FALSE(held.Holds(kSession)) << "what comes later may not pass what went";
  EXPECT_THAT(held.End(kSession, &changes), IsEmpty());
}

TEST_F(HeldEventsTest, LargeEventsFillASessionSooner) {
  held.Begin(kSession);
  Event large = StatusEvent("a", "PUBLISHING");
  large.json += std::string(HeldEvents::kMostBytesOfASession / 2, ' ');
  EXPECT_TRUE(held.Hold("source", large, &changes));
  EXPECT_FALSE(held.Hold("source", large, &changes));
}

TEST_F(HeldEventsTest, AllSessionsTogetherHaveABound) {
  Event large = StatusEvent("a", "PUBLISHING");
  large.json += std::string(HeldEvents::kMostBytesOfASession / 2, ' ');
  size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    large.session_id = "session-" + std::to_string(i);
    held.Begin(large.session_id);
    if (held.Hold("source", large, &changes)) ++taken;
  }
  EXPECT_LE(taken * large.MemoryBytes(), HeldEvents::kMostBytes);
  EXPECT_GT(taken, 10u);
}

TEST_F(HeldEventsTest, TheNextProcessFindsEachFieldAndTheOrder) {
  held.Begin(kSession);
  Event event = StatusEvent("a", "UNPUBLISHED");
  event.name = "a \"quoted\"\n";
  event.id = {0xfedcba9876543210u, 7};
  event.time = absl::FromUnixMicros(1'700'000'000'123'456);
  event.session_id = kSession;
  event.from_router = true;
  ASSERT_TRUE(held.Hold("source", event, &changes));
  ASSERT_TRUE(Hold("b"));
  HeldEvents next;
  for (size_t i : {1, 0}) {
    ASSERT_TRUE(HeldEvents::IsOne(changes[i]));
    next.Take(changes[i]);
  }
  ASSERT_TRUE(next.HasLeft());
  HeldEvents::Changes later;
  const std::vector<Event> left = next.TakeLeft(&later);
  EXPECT_FALSE(next.HasLeft());
  ASSERT_THAT(left, SizeIs(2));
  EXPECT_EQ(left[1].name, "b");
  const Event& found = left[0];
  EXPECT_EQ(found.id, event.id);
  EXPECT_EQ(found.time, event.time);
  EXPECT_EQ(found.method, event.method);
  EXPECT_EQ(found.node_id, event.node_id);
  EXPECT_EQ(found.app_key, event.app_key);
  EXPECT_EQ(found.session_id, event.session_id);
  EXPECT_EQ(found.media_session_id, event.media_session_id);
  EXPECT_EQ(found.name, event.name);
  EXPECT_EQ(found.status, event.status);
  EXPECT_TRUE(found.published);
  EXPECT_TRUE(found.terminal);
  EXPECT_TRUE(found.from_router);
  EXPECT_THAT(later, SizeIs(2));
}

TEST_F(HeldEventsTest, ARecordThatTheDiskHasChangedIsLeftOut) {
  held.Begin(kSession);
  ASSERT_TRUE(Hold("a"));
  HeldEvents next;
  for (const char* text : {"", "{}", "{}\n{}", "x\n{}"}) {
    LiveRecord damaged = changes[0];
    damaged.json = text;
    next.Take(damaged);
  }
  LiveRecord cut = changes[0];
  cut.json.resize(cut.json.size() - 1);
  next.Take(cut);
  HeldEvents::Changes later;
  EXPECT_THAT(next.TakeLeft(&later), IsEmpty());
  EXPECT_THAT(later, SizeIs(5)) << "and out of the store";
}

TEST_F(HeldEventsTest, ASessionThatClosesMeanwhileIsKnownAsClosed) {
  held.NoteClosed(kSession);
  EXPECT_FALSE(held.WasClosed(kSession));
  held.Begin(kSession);
  held.NoteClosed(kSession);
  EXPECT_TRUE(held.WasClosed(kSession));
  held.End(kSession, &changes);
  EXPECT_FALSE(held.WasClosed(kSession));
}

}  // namespace
}  // namespace tallybus::testing
