// What rows and batches count for, and which stored rows a filter asks for.
#include "tallybus/spool.h"

#include <gtest/gtest.h>

#include "tests/core/spool/spool_watcher.h"

namespace tallybus {
namespace {

using testing::Row;

TEST(SpoolTest, ARowCountsForItsTextsAndItsPlaces) {
  EXPECT_EQ(Row(1, 1, 1000)->Bytes(), Row(1)->Bytes() + 1000);
  EXPECT_GT(Row(1)->Bytes(), Row(1)->event->json.size() + 100);
}

TEST(SpoolTest, ABatchIsEmptyUntilSomethingIsInIt) {
  EXPECT_TRUE(SpoolBatch().empty());
  const std::vector<std::function<void(SpoolBatch*)>> additions = {
      [](SpoolBatch* batch) { batch->rows.push_back(Row(1)); },
      [](SpoolBatch* batch) { batch->lanes.emplace_back(); },
      [](SpoolBatch* batch) { batch->forgotten_lanes.push_back(1); },
      [](SpoolBatch* batch) { batch->publishers.emplace_back(); },
      [](SpoolBatch* batch) { batch->sessions.emplace_back(); },
      [](SpoolBatch* batch) { batch->live.emplace_back(); },
      [](SpoolBatch* batch) { batch->endpoints.emplace_back(); },
      [](SpoolBatch* batch) { batch->watermarks.emplace_back(); }};
  for (size_t i = 0; i < additions.size(); ++i) {
    SpoolBatch batch;
    additions[i](&batch);
    EXPECT_FALSE(batch.empty()) << i;
  }
}

TEST(SpoolTest, ABatchCountsForItsRowsConfigsAndStreams) {
  SpoolBatch batch;
  const size_t none = batch.Bytes();
  batch.rows = {Row(1), Row(2)};
  const size_t rows = batch.Bytes();
  EXPECT_EQ(rows, none + Row(1)->Bytes() + Row(2)->Bytes());
  batch.live = {{"source", "key", std::string(500, 'x'), false}};
  EXPECT_GE(batch.Bytes(), rows + 500);
  SessionChange session;
  session.rest_client_config = std::string(700, 'x');
  batch.sessions = {session};
  EXPECT_GE(batch.Bytes(), rows + 1200);
}

TEST(SpoolTest, ThreeOutcomesMakeADeadLetter) {
  using Outcome = Settlement::Outcome;
  for (Outcome outcome : {Outcome::kGivenUp, Outcome::kRejected, Outcome::kGone}) {
    EXPECT_TRUE(testing::Settled(*Row(1), outcome).IsDeadLetter());
  }
  for (Outcome outcome : {Outcome::kDelivered, Outcome::kFailed, Outcome::kShed,
                          Outcome::kCoalesced, Outcome::kReplayed, Outcome::kDropped}) {
    EXPECT_FALSE(testing::Settled(*Row(1), outcome).IsDeadLetter());
  }
}

class StoredFilterTest : public ::testing::Test {
 protected:
  StoredFilterTest() {
    stored.row = Row(5, 3);
    stored.route = "backend";
    filter.waiting = true;
  }
  bool Fits() const { return filter.Fits(stored); }

  StoredRow stored;
  StoredFilter filter;
};

TEST_F(StoredFilterTest, AsksForStates) {
  EXPECT_TRUE(Fits());
  stored.state = StoredRow::State::kDead;
  EXPECT_FALSE(Fits());
  filter.dead = true;
  EXPECT_TRUE(Fits());
  stored.state = StoredRow::State::kDelivered;
  EXPECT_FALSE(Fits());
  filter.delivered = true;
  EXPECT_TRUE(Fits());
  EXPECT_FALSE(StoredFilter().Fits(stored));
}

TEST_F(StoredFilterTest, AsksForATimeFromAndUpTo) {
  filter.since = stored.row->event->time;
  EXPECT_TRUE(Fits());
  filter.since += absl::Microseconds(1);
  EXPECT_FALSE(Fits());
  filter.since = absl::InfinitePast();
  filter.until = stored.row->event->time;
  EXPECT_FALSE(Fits());
  filter.until += absl::Microseconds(1);
  EXPECT_TRUE(Fits());
}

TEST_F(StoredFilterTest, AsksForNumbersUpTo) {
  filter.through = 5;
  EXPECT_TRUE(Fits());
  filter.through = 4;
  EXPECT_FALSE(Fits());
}

TEST_F(StoredFilterTest, AsksForNamesThatMustAllFit) {
  const std::vector<std::pair<std::string StoredFilter::*, std::string>> names = {
      {&StoredFilter::app, "defaultApp"},        {&StoredFilter::route, "backend"},
      {&StoredFilter::session, "session-1"},     {&StoredFilter::stream, "stream-3"},
      {&StoredFilter::stream, "media-stream-3"}, {&StoredFilter::id, "fedcba9876543210-5"}};
  for (const auto& [name, value] : names) {
    filter.*name = value;
    EXPECT_TRUE(Fits()) << value;
    filter.*name = value + "x";
    EXPECT_FALSE(Fits()) << value;
    filter.*name = value;
  }
  EXPECT_TRUE(Fits());
}

}  // namespace
}  // namespace tallybus
