// Texts stay where they are until they go, in blocks that serve again.
#include "text_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <utility>

namespace tallybus {
namespace {

TEST(TextQueueTest, HasNoMemoryBeforeTheFirstText) { EXPECT_EQ(TextQueue().MemoryBytes(), 0u); }

TEST(TextQueueTest, TakesATextOfAWholeBlock) {
  TextQueue queue;
  char* small = queue.emplace_back(1);
  *small = 'a';
  std::memset(queue.emplace_back(TextQueue::kBlockBytes), 'b', TextQueue::kBlockBytes);
  EXPECT_EQ(*small, 'a');
  EXPECT_GE(queue.MemoryBytes(), 2 * TextQueue::kBlockBytes);
}

TEST(TextQueueTest, OneThatIsEmptiedBeginsItsBlockAgain) {
  TextQueue queue;
  const char* first = queue.emplace_back(100);
  for (int i = 0; i < 1000; ++i) {
    queue.pop_front();
    EXPECT_EQ(queue.emplace_back(100), first);
  }
}

TEST(TextQueueTest, KeepsNoMoreThanItHoldsAndABlock) {
  TextQueue queue;
  for (int i = 0; i < 1000; ++i) queue.emplace_back(TextQueue::kBlockBytes / 2);
  EXPECT_GE(queue.MemoryBytes(), 500 * TextQueue::kBlockBytes);
  for (int i = 0; i < 999; ++i) queue.pop_front();
  EXPECT_LT(queue.MemoryBytes(), 3 * TextQueue::kBlockBytes);
}

TEST(TextQueueTest, EachTextIsWhatItWasWhateverCameAfterIt) {
  TextQueue queue;
  std::deque<std::pair<const char*, std::string>> model;
  std::minstd_rand random(1);
  for (int i = 0; i < 50'000; ++i) {
    const bool grows = i / 5000 % 2 == 0;
    if (model.empty() || random() % 3 < (grows ? 2u : 1u)) {
      const std::string text(random() % 400, static_cast<char>('a' + random() % 26));
      char* place = queue.emplace_back(text.size());
      std::memcpy(place, text.data(), text.size());
      model.emplace_back(place, text);
    } else {
      ASSERT_EQ(std::string(model.front().first, model.front().second.size()),
                model.front().second);
      queue.pop_front();
      model.pop_front();
    }
  }
}

}  // namespace
}  // namespace tallybus
