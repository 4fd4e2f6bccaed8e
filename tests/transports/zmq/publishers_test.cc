// What is known of each engine: a connection is an epoch by its last HELLO.
#include "transports/zmq/publishers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::zmq_transport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PublishersTest : public ::testing::Test {
 protected:
  Publisher& Hello(uint64_t epoch, const std::string& peer, uint64_t first_held = 1) {
    bus::Hello hello;
    hello.epoch = epoch;
    hello.node_id = "node";
    hello.app_key = "app";
    hello.first_held = first_held;
    return publishers.Hello(hello, peer, now);
  }
  void Session(uint64_t epoch, const std::string& id, SessionChange::Action action) {
    publishers.NoteSession(epoch, {action, id, "app of " + id, std::nullopt}, now);
  }

  Publishers publishers;
  MonoTime now = MonoTime::AtOffset(absl::Hours(1));
};

TEST_F(PublishersTest, ANewEpochBeginsAtItsFirstHeld) {
  EXPECT_EQ(Hello(1, "p").expected, 1u);
  EXPECT_EQ(Hello(2, "q", 0).expected, 1u);
  Publisher& late = Hello(3, "r", 50);
  EXPECT_EQ(late.expected, 50u);
  EXPECT_EQ(late.durable_through, 49u);
}

TEST_F(PublishersTest, AKnownEpochGoesOnWhereItWas) {
  Hello(1, "p").expected = 10;
  EXPECT_EQ(Hello(1, "p", 3).expected, 10u);
}

TEST_F(PublishersTest, WhatAnEngineNoLongerHoldsIsNotWaitedFor) {
  Hello(1, "p").expected = 10;
  EXPECT_EQ(Hello(1, "p", 20).expected, 20u);
}

TEST_F(PublishersTest, AnEpochMovesToItsNewConnection) {
  Hello(1, "old");
  Publisher& publisher = Hello(1, "new");
  EXPECT_EQ(publisher.peer, "new");
  EXPECT_EQ(publishers.FindPeer("old"), nullptr);
  EXPECT_EQ(publishers.FindPeer("new"), &publisher);
  EXPECT_EQ(publishers.connected(), 1u);
}

TEST_F(PublishersTest, AConnectionThatSaysAnotherEpochIsThatEpoch) {
  Hello(1, "p");
  Hello(2, "p");
  EXPECT_EQ(publishers.FindPeer("p")->epoch, 2u);
  ASSERT_NE(publishers.Find(1), nullptr);
  EXPECT_EQ(publishers.Find(1)->peer, "");
  EXPECT_EQ(publishers.connected(), 1u);
}

TEST_F(PublishersTest, AConnectionSilentForTenSecondsIsGoneButNotItsPublisher) {
  Hello(1, "p");
  publishers.Prune(now + absl::Seconds(10));
  EXPECT_EQ(publishers.connected(), 1u);
  publishers.Prune(now + absl::Seconds(11));
  EXPECT_EQ(publishers.connected(), 0u);
  ASSERT_NE(publishers.Find(1), nullptr);
  EXPECT_EQ(publishers.Find(1)->peer, "");
}

TEST_F(PublishersTest, APublisherIsForgottenAfterAWeekOrAMinuteAfterItsGoodbye) {
  Hello(1, "p");
  Hello(2, "q").said_bye = true;
  publishers.Prune(now + absl::Seconds(61));
  EXPECT_NE(publishers.Find(1), nullptr);
  EXPECT_EQ(publishers.Find(2), nullptr);
  publishers.Prune(now + absl::Hours(7 * 24));
  EXPECT_NE(publishers.Find(1), nullptr);
  publishers.Prune(now + absl::Hours(7 * 24) + absl::Seconds(1));
  EXPECT_EQ(publishers.Find(1), nullptr);
}

TEST_F(PublishersTest, ASessionLeadsToItsAppAndItsPublisher) {
  Publisher& publisher = Hello(1, "p");
  Session(1, "s", SessionChange::Action::kOpen);
  EXPECT_EQ(publishers.OfSession("s"), &publisher);
  EXPECT_EQ(publishers.AppOfSession("s"), "app of s");
  EXPECT_EQ(publishers.OfSession("t"), nullptr);
  EXPECT_EQ(publishers.AppOfSession("t"), "");
}

TEST_F(PublishersTest, AClosedSessionServesSixtySecondsMore) {
  Hello(1, "p");
  Session(1, "s", SessionChange::Action::kOpen);
  Session(1, "s", SessionChange::Action::kClose);
  publishers.Prune(now + absl::Seconds(60));
  EXPECT_EQ(publishers.AppOfSession("s"), "app of s");
  publishers.Prune(now + absl::Seconds(61));
  EXPECT_EQ(publishers.AppOfSession("s"), "");
}

TEST_F(PublishersTest, ASessionIsForgottenWithItsPublisher) {
  Hello(1, "p").said_bye = true;
  Session(1, "s", SessionChange::Action::kOpen);
  publishers.Prune(now + absl::Seconds(61));
  EXPECT_EQ(publishers.AppOfSession("s"), "");
}

TEST_F(PublishersTest, TellsWhichSessionsALeavingEngineLeftOpen) {
  Publisher& publisher = Hello(1, "peer");
  Session(1, "left open", SessionChange::Action::kOpen);
  Session(1, "closed", SessionChange::Action::kOpen);
  Session(1, "closed", SessionChange::Action::kClose);
  publisher.said_bye = true;
  EXPECT_THAT(publishers.Prune(now + absl::Seconds(30)).sessions, ::testing::IsEmpty());
  EXPECT_THAT(publishers.Prune(now + absl::Seconds(61)).sessions,
              ::testing::ElementsAre("left open"));
  EXPECT_THAT(publishers.Prune(now + absl::Seconds(62)).sessions, ::testing::IsEmpty());
}

std::vector<uint64_t> EpochsOf(const std::vector<Publisher>& publishers) {
  std::vector<uint64_t> epochs;
  for (const Publisher& publisher : publishers) epochs.push_back(publisher.epoch);
  return epochs;
}

TEST_F(PublishersTest, OneThatIsNotHeardOfForItsGraceIsLostOnce) {
  Hello(1, "p");
  const absl::Duration grace = absl::Seconds(30);
  EXPECT_THAT(publishers.TakeLost(now + absl::Seconds(29), grace), IsEmpty());
  EXPECT_THAT(EpochsOf(publishers.TakeLost(now + grace, grace)), ElementsAre(1));
  EXPECT_THAT(publishers.TakeLost(now + 2 * grace, grace), IsEmpty());
  now = now + absl::Hours(1);
  Hello(1, "p");
  EXPECT_THAT(EpochsOf(publishers.TakeLost(now + grace, grace)), ElementsAre(1)) << "and again";
}

TEST_F(PublishersTest, OneThatSaidGoodbyeIsNeverLost) {
  Hello(1, "p").said_bye = true;
  EXPECT_THAT(publishers.TakeLost(now + absl::Hours(1), absl::Seconds(30)), IsEmpty());
}

TEST_F(PublishersTest, ANodeThatOpensAnotherLosesItsFormerOneWithinSeconds) {
  Hello(1, "p");
  Hello(2, "q");
  EXPECT_THAT(publishers.TakeLost(now + absl::Seconds(3), absl::Seconds(30)), IsEmpty())
      << "two may live on one node";
  publishers.Find(2)->heard = now + absl::Seconds(4);
  EXPECT_THAT(EpochsOf(publishers.TakeLost(now + absl::Seconds(4), absl::Seconds(30))),
              ElementsAre(1));
}

TEST_F(PublishersTest, WhatAnEarlierProcessKnewGoesOn) {
  PublisherRecord record;
  record.epoch = 1;
  record.through = 41;
  record.node_id = "node";
  publishers.Restore(record, now, record.last_seen);
  ASSERT_NE(publishers.Find(1), nullptr);
  EXPECT_EQ(publishers.Find(1)->expected, 42u);
  EXPECT_EQ(publishers.Find(1)->durable_through, 41u);
  EXPECT_EQ(publishers.connected(), 0u);
  EXPECT_EQ(Hello(1, "p", 7).expected, 42u);
}

TEST_F(PublishersTest, OneThatWasLostOrSaidGoodbyeBeforeIsNotLostAgain) {
  PublisherRecord record;
  record.epoch = 1;
  record.state = PublisherRecord::State::kLost;
  publishers.Restore(record, now, record.last_seen);
  record.epoch = 2;
  record.state = PublisherRecord::State::kBye;
  publishers.Restore(record, now, record.last_seen);
  EXPECT_THAT(publishers.TakeLost(now + absl::Hours(1), absl::Seconds(30)), IsEmpty());
}

TEST_F(PublishersTest, TheWeekOfOneThatWasLostGoesOnOverARestart) {
  const absl::Time wall = absl::FromUnixSeconds(1'700'000'000);
  PublisherRecord record;
  const auto restore = [&](uint64_t epoch, PublisherRecord::State state, absl::Duration ago) {
    record.epoch = epoch;
    record.state = state;
    record.last_seen = wall - ago;
    publishers.Restore(record, now, wall);
  };
  restore(1, PublisherRecord::State::kLost, absl::Hours(24 * 7 - 1));
  restore(2, PublisherRecord::State::kLost, absl::Hours(24 * 7 + 1));
  restore(3, PublisherRecord::State::kBye, absl::Minutes(2));
  restore(4, PublisherRecord::State::kOpen, absl::Hours(24 * 9));  // it may be alive
  restore(5, PublisherRecord::State::kLost, absl::Hours(-1));      // the clock was set back
  EXPECT_THAT(EpochsOf(publishers.Prune(now).publishers), ::testing::UnorderedElementsAre(2, 3));
  EXPECT_THAT(EpochsOf(publishers.Prune(now + absl::Hours(2)).publishers), ElementsAre(1));
}

}  // namespace
}  // namespace tallybus::zmq_transport
