// The spool that forgets with its process, and until then keeps what is not settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/spool/spool_contract.h"

namespace tallybus {
namespace testing {

INSTANTIATE_TEST_SUITE_P(Memory, SpoolContract, ::testing::Values([](const std::string&) {
                           return NewMemorySpool(size_t{64} << 20);
                         }));

}  // namespace testing

namespace {

using testing::Row;

class MemorySpoolTest : public ::testing::Test {
 protected:
  MemorySpoolTest() { EXPECT_TRUE(spool->Start(watcher, found).ok()); }

  testing::SpoolWatcher watcher;
  testing::Found found;
  std::unique_ptr<Spool> spool = NewMemorySpool(16000);
};

TEST_F(MemorySpoolTest, LoadsWhatStillExistsInTheOrderOfTheQuestion) {
  spool->Append(testing::BatchOf({Row(1), Row(2), Row(3)}));
  testing::Settle(*spool, *Row(2), Settlement::Outcome::kDelivered);
  const SpoolSeq wanted[] = {3, 2, 1, 99};
  spool->Load(wanted);
  const std::vector<SpoolRowPtr> loaded = watcher.TakeLoaded();
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0]->seq, 3u);
  EXPECT_EQ(loaded[1]->seq, 1u);
}

TEST_F(MemorySpoolTest, DeadLettersTakeAnEighthAndTheOldestGo) {
  const size_t bytes = Row(1)->Bytes();
  const size_t fit = 2000 / bytes;
  ASSERT_GE(fit, 2u);
  for (SpoolSeq seq = 1; seq <= fit + 2; ++seq) {
    spool->Append(testing::BatchOf({Row(seq)}));
    testing::Settle(*spool, *Row(seq), Settlement::Outcome::kGivenUp);
  }
  EXPECT_EQ(spool->DeadLetterBytes(), fit * bytes);
  EXPECT_EQ(spool->UsedBytes(), fit * bytes);
  StoredFilter dead;
  dead.dead = true;
  EXPECT_EQ(testing::FindPage(*spool, dead).rows.front().row->seq, 3u);
}

}  // namespace
}  // namespace tallybus
