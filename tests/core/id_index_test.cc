// The newest record of each id, while it is known.
#include "id_index.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <random>

namespace tallybus {
namespace {

// As the recorder uses it: the ids of the records that are known, by their numbers.
class Records {
 public:
  explicit Records(uint64_t first) : first_(first) {}

  void Add(const EventId& id) {
    const uint64_t same = index_.Find(id, Is(id));
    ids_.push_back(id);
    index_.Add(id, first_ + ids_.size() - 1, same);
  }
  void ForgetOldest() {
    ids_.pop_front();
    ++first_;
    index_.ForgetOldest();
  }
  uint64_t Find(const EventId& id) { return index_.Find(id, Is(id)); }
  uint64_t FindPlainly(const EventId& id) const {
    for (size_t i = ids_.size(); i-- > 0;) {
      if (ids_[i] == id) return first_ + i;
    }
    return 0;
  }
  size_t size() const { return ids_.size(); }
  const IdIndex& index() const { return index_; }

 private:
  std::function<bool(uint64_t)> Is(const EventId& id) {
    return [this, id](uint64_t number) {
      EXPECT_TRUE(number >= first_ && number < first_ + ids_.size()) << "not known any more";
      return ids_[number - first_] == id;
    };
  }

  uint64_t first_;
  std::deque<EventId> ids_;
  IdIndex index_;
};

TEST(IdIndexTest, KnowsNothingAndHasNoMemoryAtFirst) {
  Records records(1);
  EXPECT_EQ(records.Find({1, 1}), 0u);
  EXPECT_EQ(records.index().MemoryBytes(), 0u);
}

TEST(IdIndexTest, TheNewestOfAnIdIsFoundUntilItIsForgotten) {
  Records records(1);
  records.Add({7, 1});
  records.Add({7, 2});
  records.Add({7, 1});
  EXPECT_EQ(records.Find({7, 1}), 3u);
  EXPECT_EQ(records.Find({7, 2}), 2u);
  EXPECT_EQ(records.Find({8, 1}), 0u);
  records.ForgetOldest();
  EXPECT_EQ(records.Find({7, 1}), 3u);
  records.ForgetOldest();
  EXPECT_EQ(records.Find({7, 2}), 0u);
  records.ForgetOldest();
  EXPECT_EQ(records.Find({7, 1}), 0u);
}

TEST(IdIndexTest, TakesSixteenBytesForEachOfAFullTable) {
  Records records(1);
  for (uint64_t sequence = 1; sequence <= 1 << 14; ++sequence) records.Add({7, sequence});
  for (uint64_t sequence = 1; sequence <= 1 << 14; ++sequence) {
    records.ForgetOldest();
    records.Add({8, sequence});
  }
  EXPECT_EQ(records.index().MemoryBytes(), size_t{16} << 14);
}

class IdIndexFromTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(IdIndexFromTest, AgreesWithAPlainSearch) {
  Records records(GetParam());
  std::minstd_rand random(1);
  const auto some = [&random] { return EventId{1 + random() % 3, 1 + random() % 3000}; };
  for (int i = 0; i < 20'000; ++i) {
    const bool grows = i / 4000 % 2 == 0;
    if (records.size() == 0 || random() % 3 < (grows ? 2u : 1u)) {
      records.Add(some());
    } else {
      records.ForgetOldest();
    }
    const EventId asked = some();
    ASSERT_EQ(records.Find(asked), records.FindPlainly(asked)) << i;
  }
}

// The second: past the end of 32 bits.
INSTANTIATE_TEST_SUITE_P(Numbers, IdIndexFromTest,
                         ::testing::Values(1, (uint64_t{1} << 32) - 4000));

}  // namespace
}  // namespace tallybus
