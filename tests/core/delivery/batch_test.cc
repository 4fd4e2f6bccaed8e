// A batch by itself: what fits, and the order of its parts.
#include "delivery/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "delivery/lane.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;

class BatchTest : public ::testing::Test {
 protected:
  void Add(SpoolSeq seq, uint32_t bytes = 10) {
    batch.Add({.lane = &lane, .what = {.seq = seq, .bytes = bytes}, .body = nullptr, .due = {}});
  }
  std::vector<SpoolSeq> Part() {
    std::vector<SpoolSeq> part;
    for (const Batch::Row& row : batch.Part()) part.push_back(row.what.seq);
    return part;
  }
  Lane lane;
  Batch batch{{.max_events = 5, .max_bytes = 100, .max_wait = absl::Milliseconds(7)},
              MonoTime::AtOffset(absl::Seconds(1))};
};

TEST_F(BatchTest, IsDueWhenItsFirstHasWaited) {
  EXPECT_EQ(batch.due(), MonoTime::AtOffset(absl::Seconds(1) + absl::Milliseconds(7)));
}

TEST_F(BatchTest, TakesSoManyEvents) {
  for (SpoolSeq seq = 1; seq <= 5; ++seq) {
    EXPECT_TRUE(batch.HasRoomFor(10)) << seq;
    Add(seq);
  }
  EXPECT_TRUE(batch.IsFull());
  EXPECT_FALSE(batch.HasRoomFor(0));
}

TEST_F(BatchTest, TakesSoManyBytes) {
  Add(1, 60);
  EXPECT_TRUE(batch.HasRoomFor(40));
  EXPECT_FALSE(batch.HasRoomFor(41));
  EXPECT_EQ(batch.room_bytes(), 40u);
  Add(2, 40);
  EXPECT_TRUE(batch.IsFull());
}

TEST_F(BatchTest, ALargerEventGoesAlone) {
  EXPECT_TRUE(batch.HasRoomFor(1000));
  Add(1, 1000);
  EXPECT_FALSE(batch.HasRoomFor(0));
  EXPECT_EQ(batch.room_bytes(), 0u);
}

TEST_F(BatchTest, WaitsForTheBodiesThatItHasNot) {
  Add(1);
  Add(2);
  EXPECT_FALSE(batch.HasAllBodies());
  batch.SetBody(1, std::make_shared<SpoolRow>());
  EXPECT_FALSE(batch.HasAllBodies());
  batch.SetBody(0, std::make_shared<SpoolRow>());
  EXPECT_TRUE(batch.HasAllBodies());
}

TEST_F(BatchTest, IsSplitIntoHalvesUntilOneIsAlone) {
  for (SpoolSeq seq = 1; seq <= 5; ++seq) Add(seq);
  EXPECT_THAT(Part(), ElementsAre(1, 2, 3, 4, 5));
  batch.Split();
  EXPECT_THAT(Part(), ElementsAre(1, 2, 3));
  batch.Split();
  EXPECT_THAT(Part(), ElementsAre(1, 2));
  batch.Split();
  EXPECT_THAT(Part(), ElementsAre(1));
  EXPECT_TRUE(batch.NextPart());
  EXPECT_THAT(Part(), ElementsAre(2));
  EXPECT_TRUE(batch.NextPart());
  EXPECT_THAT(Part(), ElementsAre(3));
  EXPECT_TRUE(batch.NextPart());
  EXPECT_THAT(Part(), ElementsAre(4, 5));
  EXPECT_FALSE(batch.NextPart());
}

}  // namespace
}  // namespace tallybus
