// Numbers serve again, and each value stays its own.
#include "slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <random>

namespace tallybus {
namespace {

TEST(SlabTest, HasNoMemoryBeforeTheFirstValue) { EXPECT_EQ(Slab<int>().MemoryBytes(), 0u); }

TEST(SlabTest, NumbersAreFromOne) {
  Slab<int> slab;
  EXPECT_EQ(slab.Add(), 1u);
  EXPECT_EQ(slab.Add(), 2u);
}

TEST(SlabTest, TheNumberOfOneThatIsGoneServesAgainForANewValue) {
  Slab<int> slab;
  const uint32_t first = slab.Add();
  slab.Add();
  slab[first] = 7;
  slab.Remove(first);
  EXPECT_EQ(slab.size(), 1u);
  EXPECT_EQ(slab.Add(), first);
  EXPECT_EQ(slab[first], 0);
}

TEST(SlabTest, IsWhatAMapIsAndGrowsToItsMostOnly) {
  Slab<uint64_t> slab;
  std::map<uint32_t, uint64_t> model;
  std::minstd_rand random(1);
  size_t bytes = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    if (model.size() < 1000 && random() % 2 == 0) {
      const uint32_t number = slab.Add();
      ASSERT_EQ(model.count(number), 0u);
      model[number] = slab[number] = i;
    } else if (!model.empty()) {
      const auto gone = std::next(model.begin(), random() % model.size());
      ASSERT_EQ(slab[gone->first], gone->second);
      slab.Remove(gone->first);
      model.erase(gone);
    }
    ASSERT_EQ(slab.size(), model.size());
    bytes = slab.MemoryBytes();
  }
  EXPECT_LT(bytes, 24u << 10);
}

}  // namespace
}  // namespace tallybus
