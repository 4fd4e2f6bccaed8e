// Order, references, what a full queue keeps, and that no wake-up is lost.
#include "event_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

using ::testing::ElementsAre;

constexpr auto kSlots = static_cast<json_int_t>(EventQueue::kSlots);
constexpr auto kMaxSpilled = static_cast<json_int_t>(EventQueue::kMaxSpilled);

bool Never(const json_t* /*event*/) { return false; }
bool IfNegative(const json_t* event) { return json_integer_value(event) < 0; }

Json Number(json_int_t value) { return Json(json_integer(value)); }

void Push(EventQueue& queue, json_int_t from, json_int_t to) {
  for (json_int_t i = from; i < to; ++i) queue.Push(Number(i).get());
}

std::vector<json_int_t> TakeAll(EventQueue& queue) {
  std::vector<json_int_t> taken;
  while (const HeldEvent event = queue.Take()) taken.push_back(json_integer_value(event.get()));
  return taken;
}

std::vector<json_int_t> Range(json_int_t from, json_int_t to) {
  std::vector<json_int_t> range;
  for (json_int_t i = from; i < to; ++i) range.push_back(i);
  return range;
}

TEST(EventQueueTest, TakesInOrder) {
  EventQueue queue(Never);
  ASSERT_TRUE(queue.ok());
  EXPECT_EQ(queue.Take(), nullptr);
  Push(queue, 0, 3);
  EXPECT_THAT(TakeAll(queue), ElementsAre(0, 1, 2));
  EXPECT_EQ(queue.Take(), nullptr);
}

TEST(EventQueueTest, GoesRoundTheRing) {
  EventQueue queue(Never);
  for (json_int_t i = 0; i < 3 * kSlots; i += 1000) {
    Push(queue, i, i + 1000);
    ASSERT_EQ(TakeAll(queue), Range(i, i + 1000));
  }
}

TEST(EventQueueTest, HoldsAReferenceUntilTheEventHasBeenTakenAndUsed) {
  const Json event = Number(1);
  {
    EventQueue queue(Never);
    queue.Push(event.get());
    EXPECT_EQ(event->refcount, 2U);
    EXPECT_EQ(queue.Take().get(), event.get());
    EXPECT_EQ(event->refcount, 1U);
    for (json_int_t i = 0; i < kSlots + 10; ++i) queue.Push(event.get());
  }
  EXPECT_EQ(event->refcount, 1U);
}

TEST(EventQueueTest, AFullRingSpillsAndLosesNeitherEventNorOrder) {
  EventQueue queue(Never);
  Push(queue, 0, kSlots + 100);
  for (json_int_t i = 0; i < 10; ++i) EXPECT_EQ(json_integer_value(queue.Take().get()), i);
  // There is room in the ring, but this must not overtake.
  Push(queue, kSlots + 100, kSlots + 110);
  EXPECT_EQ(TakeAll(queue), Range(10, kSlots + 110));
  Push(queue, 0, 5);
  EXPECT_EQ(TakeAll(queue), Range(0, 5));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(EventQueueTest, BeyondItsLimitKeepsWhatMustArriveAndCountsTheRest) {
  EventQueue queue(IfNegative);
  Push(queue, 0, kSlots + kMaxSpilled);
  queue.Push(Number(-1).get());
  queue.Push(Number(7).get());
  queue.Push(Number(-2).get());
  EXPECT_EQ(queue.dropped(), 1U);
  std::vector<json_int_t> taken = TakeAll(queue);
  ASSERT_EQ(taken.size(), static_cast<size_t>(kSlots + kMaxSpilled + 2));
  EXPECT_EQ(taken[taken.size() - 2], -1);
  EXPECT_EQ(taken.back(), -2);
}

// The events are the test's until all is over: jansson reads a count plainly before it lowers it.
TEST(EventQueueTest, KeepsTheOrderOfEachOfSeveralProducers) {
  constexpr json_int_t kProducers = 3;
  constexpr json_int_t kEach = 40'000;
  EventQueue queue([](const json_t* /*event*/) { return true; });
  std::vector<Json> events;
  for (json_int_t i = 0; i < kProducers * kEach; ++i) events.push_back(Number(i));
  std::vector<std::thread> producers;
  for (json_int_t p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (json_int_t i = 0; i < kEach; ++i) queue.Push(events[p * kEach + i].get());
    });
  }
  std::vector<json_int_t> next(kProducers, 0);
  for (json_int_t taken = 0; taken < kProducers * kEach;) {
    const HeldEvent event = queue.Take();
    if (event == nullptr) continue;
    const json_int_t value = json_integer_value(event.get());
    ASSERT_EQ(value % kEach, next[value / kEach]++);
    // Now and then the ring fills up.
    if (++taken % 30'000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(queue.Take(), nullptr);
}

TEST(EventQueueTest, SleepsNoLongerThanItIsTold) {
  EventQueue queue(Never);
  queue.Sleep(1);
  EXPECT_EQ(queue.Take(), nullptr);
}

TEST(EventQueueTest, DoesNotSleepOnWhatIsQueued) {
  EventQueue queue(Never);
  Push(queue, 0, 1);
  queue.Sleep(-1);
  Push(queue, 1, kSlots + 1);
  queue.Sleep(-1);
  EXPECT_EQ(TakeAll(queue), Range(0, kSlots + 1));
}

TEST(EventQueueTest, AWakeEndsANapAndAPushDoesNotCallTheKernel) {
  EventQueue queue(Never);
  Push(queue, 0, 1);
  const auto began = std::chrono::steady_clock::now();
  queue.Nap(std::chrono::milliseconds(5));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(5));
  queue.Wake();
  for (int i = 0; i < 20; ++i) queue.Nap(std::chrono::milliseconds(999));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(19));
}

TEST(EventQueueTest, WakeEndsASleep) {
  EventQueue queue(Never);
  queue.Wake();
  queue.Sleep(-1);
  EXPECT_EQ(queue.Take(), nullptr);
}

// The worker sleeps without a limit: a lost wake-up would show as the test's.
TEST(EventQueueTest, LosesNoWakeUp) {
  constexpr json_int_t kRounds = 20'000;
  EventQueue queue(Never);
  const Json event = Number(1);
  std::atomic<json_int_t> taken{0};
  std::thread producer([&] {
    for (json_int_t i = 1; i <= kRounds; ++i) {
      queue.Push(event.get());
      while (i % 64 == 0 && taken.load() < i) std::this_thread::yield();
    }
  });
  std::vector<HeldEvent> held;
  while (taken.load() < kRounds) {
    while (HeldEvent one = queue.Take()) {
      held.push_back(std::move(one));
      ++taken;
    }
    if (taken.load() < kRounds) queue.Sleep(-1);
  }
  producer.join();
}

}  // namespace
}  // namespace tallybus::janus
