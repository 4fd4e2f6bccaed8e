// The ring: order, wrap, fullness, head-room, and many producers at once.
#include "ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace tallybus::engine {
namespace {

constexpr size_t kCapacity = 64 << 10;
constexpr size_t kOrdinary = kCapacity - kCapacity / 10;

bool Put(Ring& ring, std::string_view payload, bool may_use_headroom = false) {
  const Slot slot = ring.Reserve(payload.size(), may_use_headroom);
  if (!slot) return false;
  std::memcpy(slot.payload, payload.data(), payload.size());
  Ring::Publish(slot, RecordKind::kJsonEvent);
  return true;
}

void Ignore(const HeldRecord&) {}

TEST(RingTest, NumbersRecordsFromOneInTheOrderOfReservation) {
  const auto ring = Ring::Create(kCapacity);
  ASSERT_TRUE(Put(*ring, "first"));
  ASSERT_TRUE(Put(*ring, "second"));
  Cursor at = ring->head();
  HeldRecord record;
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.sequence, 1u);
  EXPECT_EQ(record.payload, "first");
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.sequence, 2u);
  EXPECT_EQ(record.payload, "second");
  EXPECT_FALSE(ring->Read(&at, &record));
}

TEST(RingTest, HidesWhatIsBehindARecordThatIsNotYetPublished) {
  const auto ring = Ring::Create(kCapacity);
  const Slot slow = ring->Reserve(8, false);
  ASSERT_TRUE(Put(*ring, "quick"));
  Cursor at = ring->head();
  HeldRecord record;
  EXPECT_FALSE(ring->Read(&at, &record));
  Ring::Publish(slow, RecordKind::kSession);
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.kind, RecordKind::kSession);
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.payload, "quick");
}

TEST(RingTest, KeepsARecordUntilItIsFreed) {
  const auto ring = Ring::Create(kCapacity);
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(Put(*ring, text));
  std::string freed;
  ring->FreeThrough(2, [&](const HeldRecord& record) { freed += record.payload; });
  EXPECT_EQ(freed, "ab");
  EXPECT_EQ(ring->head().sequence, 3u);
  Cursor at = ring->head();
  HeldRecord record;
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.payload, "c");
  EXPECT_EQ(record.sequence, 3u);
}

TEST(RingTest, KeepsEveryByteOverManyWraps) {
  const auto ring = Ring::Create(kCapacity);
  Cursor at = ring->head();
  for (uint64_t i = 1; i <= 5'000; ++i) {
    const std::string payload(i * 7919 % 9'000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(Put(*ring, payload)) << i;
    HeldRecord record;
    ASSERT_TRUE(ring->Read(&at, &record)) << i;
    ASSERT_EQ(record.sequence, i);
    ASSERT_EQ(record.payload, payload);
    if (i % 3 == 0) ring->FreeThrough(i, Ignore);
  }
}

TEST(RingTest, StopsAtItsOwnOldestRecordWhenItIsExactlyFull) {
  const auto ring = Ring::Create(kCapacity);
  constexpr uint64_t kRecords = kCapacity / 16;
  for (uint64_t i = 0; i < kRecords; ++i) ASSERT_TRUE(Put(*ring, "8 bytes.", true));
  EXPECT_EQ(ring->used(), kCapacity);
  EXPECT_FALSE(Put(*ring, "8 bytes.", true));
  Cursor at = ring->head();
  HeldRecord record;
  while (ring->Read(&at, &record)) ASSERT_LE(record.sequence, kRecords);
  EXPECT_EQ(record.sequence, kRecords);
  ring->FreeThrough(1, Ignore);
  ASSERT_TRUE(Put(*ring, "one more", true));
  ASSERT_TRUE(ring->Read(&at, &record));
  EXPECT_EQ(record.sequence, kRecords + 1);
  EXPECT_EQ(record.payload, "one more");
  EXPECT_FALSE(ring->Read(&at, &record));
}

TEST(RingTest, KeepsATenthForThoseWhoMayUseTheHeadRoom) {
  const auto ring = Ring::Create(kCapacity);
  const std::string kilobyte(1024 - 8, 'x');
  while (Put(*ring, kilobyte)) {
  }
  EXPECT_LE(ring->used(), kOrdinary);
  EXPECT_GT(ring->used() + 1024, kOrdinary);
  int terminal = 0;
  while (Put(*ring, kilobyte, true)) ++terminal;
  EXPECT_GE(terminal, 6);
  EXPECT_EQ(ring->used(), kCapacity);
}

TEST(RingTest, TakesItsLargestRecordWhereverItStands) {
  const auto ring = Ring::Create(kCapacity);
  const std::string largest(ring->LargestRecord(), 'x');
  uint64_t sequence = 0;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(Put(*ring, std::string(static_cast<size_t>(i) * 8, '.'))) << i;
    ring->FreeThrough(++sequence, Ignore);
    ASSERT_TRUE(Put(*ring, largest)) << i;
    ring->FreeThrough(++sequence, Ignore);
    ASSERT_EQ(ring->used(), 0u) << i;
  }
}

TEST(RingTest, NeverTakesFreedBytesForAHeader) {
  const auto ring = Ring::Create(kCapacity);
  const std::string noise(1000, '\xff');
  uint64_t sequence = 0;
  for (int lap = 0; lap < 200; ++lap) {
    ASSERT_TRUE(Put(*ring, noise));
    ring->FreeThrough(++sequence, Ignore);
    const Slot slot = ring->Reserve(static_cast<size_t>(lap), false);
    Cursor at = ring->head();
    HeldRecord record;
    ASSERT_FALSE(ring->Read(&at, &record)) << "read a record that nobody has published";
    Ring::Publish(slot, RecordKind::kBye);
    ring->FreeThrough(++sequence, Ignore);
  }
}

// Each producer writes its number and a count; the reader sees each count once, in order.
TEST(RingTest, LosesNothingOfManyProducersAndKeepsTheOrderOfEach) {
  constexpr int kProducers = 4;
  constexpr uint32_t kEach = 20'000;
  const auto ring = Ring::Create(kCapacity);
  std::vector<std::thread> producers;
  for (uint32_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&ring, producer] {
      for (uint32_t i = 0; i < kEach;) {
        const uint32_t words[2] = {producer, i};
        std::string payload(sizeof(words) + i % 50, 'p');
        std::memcpy(payload.data(), words, sizeof(words));
        if (Put(*ring, payload)) {
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  uint32_t next[kProducers] = {};
  Cursor at = ring->head();
  HeldRecord record;
  for (uint64_t seen = 0; seen < uint64_t{kProducers} * kEach;) {
    if (!ring->Read(&at, &record)) {
      ring->FreeThrough(seen, Ignore);
      std::this_thread::yield();
      continue;
    }
    uint32_t words[2];
    std::memcpy(words, record.payload.data(), sizeof(words));
    ASSERT_LT(words[0], uint32_t{kProducers});
    ASSERT_EQ(words[1], next[words[0]]++);
    ASSERT_EQ(record.sequence, ++seen);
  }
  for (std::thread& producer : producers) producer.join();
  ring->FreeThrough(uint64_t{kProducers} * kEach, Ignore);
  EXPECT_EQ(ring->used(), 0u);
}

}  // namespace
}  // namespace tallybus::engine
