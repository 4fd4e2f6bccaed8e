// The spool that forgets with its process, and until then keeps what is not settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/spool.h"
#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RecordingEvents final : public SpoolEvents {
 public:
  void OnCommitted(SpoolBatch batch) override { commits.push_back(std::move(batch)); }
  void OnLoaded(std::vector<SpoolRowPtr> rows) override { loaded = std::move(rows); }
  void OnFault(absl::Status) override {}

  std::vector<SpoolBatch> commits;
  std::vector<SpoolRowPtr> loaded;
};

SpoolRowPtr Row(SpoolSeq seq) {
  auto row = std::make_shared<SpoolRow>();
  row->seq = seq;
  row->event = testing::SharedStatusEvent("a", "PUBLISHING");
  return row;
}

class MemorySpoolTest : public ::testing::Test {
 protected:
  MemorySpoolTest() { spool->Start(events); }

  RecordingEvents events;
  std::unique_ptr<Spool> spool = NewMemorySpool(1000);
};

TEST_F(MemorySpoolTest, CommitsWhatIsAppendedWithItsWatermarks) {
  spool->Append({.rows = {Row(1), Row(2)}, .watermarks = {{7, 42}}, .sessions = {}});
  ASSERT_EQ(events.commits.size(), 1u);
  EXPECT_EQ(events.commits[0].rows.size(), 2u);
  EXPECT_EQ(events.commits[0].watermarks[0].through, 42u);
}

TEST_F(MemorySpoolTest, LoadsWhatStillExistsInTheOrderOfTheQuestion) {
  const SpoolRowPtr one = Row(1), two = Row(2), three = Row(3);
  spool->Append({.rows = {one, two, three}, .watermarks = {}, .sessions = {}});
  const Settlement settled[] = {{2, Settlement::Outcome::kDelivered}};
  spool->Settle(settled);
  const SpoolSeq wanted[] = {3, 2, 1, 99};
  spool->Load(wanted);
  EXPECT_THAT(events.loaded, ElementsAre(three, one));
}

TEST_F(MemorySpoolTest, SettlingGivesTheRoomBackOnce) {
  EXPECT_EQ(spool->UsedBytes(), 0u);
  EXPECT_EQ(spool->MaxBytes(), 1000u);
  spool->Append({.rows = {Row(1)}, .watermarks = {}, .sessions = {}});
  const size_t one = spool->UsedBytes();
  EXPECT_GE(one, testing::StatusEvent("a", "PUBLISHING").MemoryBytes());
  spool->Append({.rows = {Row(2)}, .watermarks = {}, .sessions = {}});
  EXPECT_EQ(spool->UsedBytes(), 2 * one);
  const Settlement settled[] = {{1, Settlement::Outcome::kGivenUp}};
  spool->Settle(settled);
  spool->Settle(settled);
  EXPECT_EQ(spool->UsedBytes(), one);
}

TEST_F(MemorySpoolTest, ForgetsWhatItWasNeverGiven) {
  const Settlement settled[] = {{5, Settlement::Outcome::kFailed}};
  spool->Settle(settled);
  EXPECT_EQ(spool->UsedBytes(), 0u);
  const SpoolSeq wanted[] = {5};
  spool->Load(wanted);
  EXPECT_THAT(events.loaded, IsEmpty());
}

}  // namespace
}  // namespace tallybus
