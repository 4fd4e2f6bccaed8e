// The spool's tables: what is written in a batch is what a start reads.
#include "spool/spool_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/spool/spool_watcher.h"
#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using testing::BatchOf;
using ::testing::ElementsAre;
using testing::Found;
using ::testing::IsEmpty;
using testing::Row;
using Outcome = Settlement::Outcome;

class SpoolTablesTest : public ::testing::Test {
 protected:
  SpoolTablesTest() {
    SqliteSpoolOptions options;
    options.directory = scratch.path();
    file = *SpoolFile::Open(options);
    tables = *SpoolTables::Open(file);
  }
  void Write(const SpoolBatch& batch) {
    ASSERT_TRUE(tables.Begin().ok());
    ASSERT_TRUE(tables.Write(batch).ok());
    ASSERT_TRUE(tables.Commit().ok());
  }
  bool Settle(const SpoolRow& row, Outcome outcome, absl::Time at, bool retain = false) {
    Settlement settlement = testing::Settled(row, outcome);
    settlement.at = at;
    const Settlement* const one[] = {&settlement};
    SpoolTables::Settlements done;
    EXPECT_TRUE(tables.Settle(one, retain, &done).ok());
    return !done.empty();
  }
  Found ReadAll(bool unclean = false) {
    Found found;
    EXPECT_TRUE(tables.ReadAll(unclean, found).ok());
    return found;
  }

  testing::ScratchDirectory scratch;
  SpoolFile file;
  SpoolTables tables;
  absl::Time now = absl::FromUnixSeconds(1'700'000'500);
};

TEST_F(SpoolTablesTest, LanesPublishersSessionsStreamsAndEndpointsComeBack) {
  SpoolBatch batch;
  batch.lanes = {{7, "backend", "app/one", 41, true}, {8, "other", "app/two", 0, false}};
  PublisherRecord publisher;
  publisher.epoch = 0xf000000000000001u;
  publisher.through = 99;
  publisher.node_id = "node-1";
  publisher.state = PublisherRecord::State::kLost;
  publisher.last_seen = now;
  batch.publishers = {publisher};
  SessionChange session;
  session.session_id = "s1";
  session.app_key = "app";
  session.rest_client_config = "{}";
  session.epoch = 0xf000000000000001u;
  SessionChange plain = session;
  plain.session_id = "s2";
  plain.rest_client_config.reset();
  batch.sessions = {session, plain};
  batch.live = {{"src", "key", "{\"a\":1}", true}};
  batch.endpoints = {{"backend", "paused", "too slow", "ann", now}};
  batch.alerts = {{"EngineLost", "node-1", "gone", true, now, true},
                  {"SpoolFilling", "spool", "full", false, now, true}};
  Write(batch);
  const Found found = ReadAll();
  ASSERT_EQ(found.lanes.size(), 2u);
  EXPECT_EQ(found.lanes.at(7).route, "backend");
  EXPECT_EQ(found.lanes.at(7).key, "app/one");
  EXPECT_EQ(found.lanes.at(7).last_sequence, 41u);
  EXPECT_TRUE(found.lanes.at(7).ended);
  EXPECT_FALSE(found.lanes.at(8).ended);
  ASSERT_EQ(found.publishers.size(), 1u);
  EXPECT_EQ(found.publishers[0].epoch, 0xf000000000000001u);
  EXPECT_EQ(found.publishers[0].through, 99u);
  EXPECT_EQ(found.publishers[0].node_id, "node-1");
  EXPECT_EQ(found.publishers[0].state, PublisherRecord::State::kLost);
  EXPECT_EQ(found.publishers[0].last_seen, now);
  ASSERT_EQ(found.sessions.size(), 2u);
  EXPECT_EQ(found.sessions[0].session_id, "s1");
  EXPECT_EQ(found.sessions[0].epoch, 0xf000000000000001u);
  EXPECT_EQ(found.sessions[0].rest_client_config, "{}");
  EXPECT_EQ(found.sessions[1].rest_client_config, std::nullopt);
  ASSERT_EQ(found.live.size(), 1u);
  EXPECT_EQ(found.live[0].json, "{\"a\":1}");
  EXPECT_TRUE(found.live[0].lost);
  ASSERT_EQ(found.endpoints.size(), 1u);
  EXPECT_EQ(found.endpoints[0].state, "paused");
  EXPECT_EQ(found.endpoints[0].reason, "too slow");
  EXPECT_EQ(found.endpoints[0].author, "ann");
  EXPECT_EQ(found.endpoints[0].since, now);
  ASSERT_EQ(found.alerts.size(), 2u);
  EXPECT_EQ(found.alerts[0].name, "EngineLost");
  EXPECT_EQ(found.alerts[0].subject, "node-1");
  EXPECT_EQ(found.alerts[0].text, "gone");
  EXPECT_TRUE(found.alerts[0].critical);
  EXPECT_EQ(found.alerts[0].since, now);
  EXPECT_FALSE(found.alerts[1].critical);
}

TEST_F(SpoolTablesTest, AnAlertThatIsOverIsForgotten) {
  SpoolBatch batch;
  batch.alerts = {{"EngineLost", "n", "gone", true, now, true}};
  Write(batch);
  batch.alerts[0].on = false;
  Write(batch);
  EXPECT_THAT(ReadAll().alerts, IsEmpty());
}

TEST_F(SpoolTablesTest, WhatWasReplayedMayHaveArrivedThoughNoAttemptWasNoted) {
  auto again = std::make_shared<SpoolRow>(*Row(2));
  again->replays = 1;
  Write(BatchOf({Row(1), again}));
  const Found found = ReadAll();
  ASSERT_EQ(found.waiting.size(), 2u);
  EXPECT_FALSE(found.waiting[0].progress.may_have_arrived);
  EXPECT_TRUE(found.waiting[1].progress.may_have_arrived);
  EXPECT_FALSE(found.waiting[0].replayed);
  EXPECT_TRUE(found.waiting[1].replayed);
  EXPECT_EQ(found.waiting[1].terminal, again->event->terminal);
}

TEST_F(SpoolTablesTest, WhatHasEndedIsForgotten) {
  SpoolBatch batch;
  batch.lanes = {{7, "backend", "app/one", 41, true}};
  batch.publishers = {{.epoch = 1, .node_id = "", .last_seen = {}}};
  SessionChange session;
  session.session_id = "s1";
  batch.sessions = {session};
  batch.live = {{"src", "key", "{}", false}};
  batch.endpoints = {{"backend", "paused", "", "", now}};
  Write(batch);
  SpoolBatch end;
  end.forgotten_lanes = {7};
  end.publishers = {
      {.epoch = 1, .node_id = "", .state = PublisherRecord::State::kForgotten, .last_seen = {}}};
  session.action = SessionChange::Action::kClose;
  end.sessions = {session};
  end.live = {{"src", "key", "", false}};
  end.endpoints = {{"backend", "", "", "", now}};
  Write(end);
  const Found found = ReadAll();
  EXPECT_THAT(found.lanes, IsEmpty());
  EXPECT_THAT(found.publishers, IsEmpty());
  EXPECT_THAT(found.sessions, IsEmpty());
  EXPECT_THAT(found.live, IsEmpty());
  EXPECT_THAT(found.endpoints, IsEmpty());
}

TEST_F(SpoolTablesTest, AWatermarkNeverGoesBack) {
  for (uint64_t through : {5, 9, 7}) {
    SpoolBatch batch;
    batch.publishers = {{.epoch = 1, .through = through, .node_id = "", .last_seen = {}}};
    Write(batch);
  }
  EXPECT_EQ(ReadAll().publishers[0].through, 9u);
}

TEST_F(SpoolTablesTest, ProgressOutlivesTheProcess) {
  Write(BatchOf({Row(1), Row(2)}));
  Progress progress;
  progress.seq = 2;
  progress.attempts = 6;
  progress.tries = 5;
  progress.own_time = absl::Milliseconds(1500);
  progress.due = now + absl::Hours(1);
  progress.may_have_arrived = progress.reordered = true;
  ASSERT_TRUE(tables.Note(progress).ok());
  const Found found = ReadAll();
  ASSERT_EQ(found.waiting.size(), 2u);
  EXPECT_EQ(found.waiting[0].progress.due, absl::InfinitePast());
  EXPECT_FALSE(found.waiting[0].progress.may_have_arrived);
  EXPECT_EQ(found.waiting[0].accepted, Row(1)->accepted);
  EXPECT_EQ(found.waiting[0].bytes, Row(1)->Bytes());
  const Progress& read = found.waiting[1].progress;
  EXPECT_EQ(read.attempts, 6);
  EXPECT_EQ(read.tries, 5);
  EXPECT_EQ(read.own_time, absl::Milliseconds(1500));
  EXPECT_EQ(read.due, now + absl::Hours(1));
  EXPECT_TRUE(read.may_have_arrived);
  EXPECT_TRUE(read.reordered);
  EXPECT_TRUE(ReadAll(true).waiting[0].progress.may_have_arrived);
}

TEST_F(SpoolTablesTest, ARollbackUndoesAllOfIt) {
  ASSERT_TRUE(tables.Begin().ok());
  ASSERT_TRUE(tables.Write(BatchOf({Row(1)})).ok());
  tables.Rollback();
  const Found found = ReadAll();
  EXPECT_THAT(found.waiting, IsEmpty());
  EXPECT_THAT(found.lanes, IsEmpty());
  Write(BatchOf({Row(1)}));
  EXPECT_THAT(ReadAll().Seqs(), ElementsAre(1));
}

TEST_F(SpoolTablesTest, TellsWhetherThereWasSomethingToSettle) {
  Write(BatchOf({Row(1), Row(2)}));
  EXPECT_TRUE(Settle(*Row(1), Outcome::kDelivered, now));
  EXPECT_FALSE(Settle(*Row(1), Outcome::kDelivered, now));
  EXPECT_TRUE(Settle(*Row(2), Outcome::kGivenUp, now));
  EXPECT_TRUE(Settle(*Row(2), Outcome::kDropped, now));
  EXPECT_FALSE(Settle(*Row(2), Outcome::kDropped, now));
  EXPECT_EQ(*tables.Load(2), nullptr);
}

TEST_F(SpoolTablesTest, SizesAreKeptApart) {
  Write(BatchOf({Row(1), Row(2), Row(3), Row(4)}));
  Settle(*Row(2), Outcome::kGone, now);
  Settle(*Row(3), Outcome::kDelivered, now, true);
  Settle(*Row(4), Outcome::kShed, now, true);
  Found found;
  const auto sizes = tables.ReadAll(false, found);
  ASSERT_TRUE(sizes.ok());
  EXPECT_EQ(sizes->waiting, Row(1)->Bytes());
  EXPECT_EQ(sizes->dead, Row(2)->Bytes());
  EXPECT_EQ(sizes->delivered, Row(3)->Bytes());
}

TEST_F(SpoolTablesTest, ForgetsByAgeOrForSpaceOldestFirst) {
  Write(BatchOf({Row(1), Row(2), Row(3)}));
  for (SpoolSeq seq : {1, 2, 3}) Settle(*Row(seq), Outcome::kGone, now + absl::Seconds(seq));
  SpoolTables::Forgotten none, one, two;
  ASSERT_TRUE(tables.Forget(true, now, 0, &none).ok());
  EXPECT_EQ(none.bytes, 0u);
  ASSERT_TRUE(tables.Forget(true, now + absl::Seconds(2), 0, &one).ok());
  EXPECT_EQ(one.bytes, Row(1)->Bytes());
  EXPECT_FALSE(one.more);
  ASSERT_TRUE(tables.Forget(true, now, Row(2)->Bytes() + 1, &two).ok());
  EXPECT_EQ(two.bytes, Row(2)->Bytes() + Row(3)->Bytes());
  EXPECT_EQ(*tables.Load(3), nullptr);
}

TEST_F(SpoolTablesTest, ForgetsATurnsWorthAndSaysThatThereIsMore) {
  std::vector<SpoolRowPtr> rows;
  for (SpoolSeq seq = 1; seq <= 1001; ++seq) rows.push_back(Row(seq));
  Write(BatchOf(rows));
  ASSERT_TRUE(tables.Begin().ok());
  for (const SpoolRowPtr& row : rows) Settle(*row, Outcome::kGone, now);
  SpoolTables::Forgotten first, second;
  ASSERT_TRUE(tables.Forget(true, absl::InfiniteFuture(), 0, &first).ok());
  EXPECT_TRUE(first.more);
  ASSERT_TRUE(tables.Forget(true, absl::InfiniteFuture(), 0, &second).ok());
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.bytes, Row(1001)->Bytes());
  ASSERT_TRUE(tables.Commit().ok());
}

}  // namespace
}  // namespace tallybus
