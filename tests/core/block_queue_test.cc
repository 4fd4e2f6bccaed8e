// First in, first out, and nothing moves.
#include "block_queue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>

namespace tallybus {
namespace {

TEST(BlockQueueTest, HasNoMemoryBeforeItHoldsAnything) {
  const BlockQueue<std::string> queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.MemoryBytes(), 0u);
}

TEST(BlockQueueTest, WhatItHoldsStaysAtItsAddress) {
  BlockQueue<int> queue;
  const int* first = &queue.emplace_back();
  for (int i = 1; i < 1000; ++i) queue.emplace_back() = i;
  EXPECT_EQ(first, &queue.front());
  const int* last = &queue.back();
  while (queue.size() > 1) queue.pop_front();
  EXPECT_EQ(last, &queue.front());
  EXPECT_EQ(queue.front(), 999);
}

TEST(BlockQueueTest, LetsGoOfWhatLeaves) {
  BlockQueue<std::shared_ptr<int>> queue;
  const auto held = std::make_shared<int>(1);
  queue.emplace_back() = held;
  EXPECT_EQ(held.use_count(), 2);
  queue.pop_front();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(BlockQueueTest, UsesItsBlocksAgain) {
  BlockQueue<int> queue;
  for (int i = 0; i < 500; ++i) queue.emplace_back();
  for (int i = 0; i < 500; ++i) {
    queue.emplace_back() = i;
    queue.pop_front();
  }
  const size_t bytes = queue.MemoryBytes();
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(queue.emplace_back(), 0) << "a new one is as if it were the first";
    queue.back() = i;
    queue.pop_front();
  }
  EXPECT_EQ(queue.MemoryBytes(), bytes);
}

TEST(BlockQueueTest, IsWhatADequeIs) {
  BlockQueue<uint64_t> queue;
  std::deque<uint64_t> model;
  std::minstd_rand random(1);
  for (uint64_t i = 0; i < 50'000; ++i) {
    const bool grows = i / 5000 % 2 == 0;
    if (model.empty() || random() % 3 < (grows ? 2u : 1u)) {
      queue.emplace_back() = i;
      model.push_back(i);
    } else {
      queue.pop_front();
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), model.empty());
    if (model.empty()) continue;
    ASSERT_EQ(queue.front(), model.front());
    ASSERT_EQ(queue.back(), model.back());
    const size_t at = random() % model.size();
    ASSERT_EQ(queue[at], model[at]);
  }
}

}  // namespace
}  // namespace tallybus
