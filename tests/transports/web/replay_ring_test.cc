// What a client that comes back may resume from.
#include "transports/web/replay_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace tallybus {
namespace {

ClientMessagePtr Message(const std::string& id, size_t bytes = 0) {
  ClientMessage message;
  message.id = id;
  message.tail = std::string(bytes, ' ');
  return std::make_shared<const ClientMessage>(std::move(message));
}

TEST(ReplayRingTest, GoesOnBehindTheEventThatWasSeenLast) {
  ReplayRing ring(4, 1 << 20);
  for (const char* id : {"a", "b", "c"}) ring.Push(Message(id));
  const auto after = ring.After("b");
  ASSERT_TRUE(after);
  EXPECT_EQ(ring.At(*after)->id, "c");
  EXPECT_EQ(ring.After("c"), ring.end());
  EXPECT_EQ(ring.After("z"), std::nullopt);
  EXPECT_EQ(ring.After(""), std::nullopt);
}

TEST(ReplayRingTest, TheOldestGoFirstAndCannotBeResumedFrom) {
  ReplayRing ring(2, 1 << 20);
  for (const char* id : {"a", "b", "c"}) ring.Push(Message(id));
  EXPECT_EQ(ring.After("a"), std::nullopt);
  EXPECT_EQ(ring.first(), 1u);
  EXPECT_EQ(ring.end(), 3u);
}

TEST(ReplayRingTest, BytesAreBoundedToo) {
  ReplayRing ring(100, 3000);
  ring.Push(Message("a", 1000));
  ring.Push(Message("b", 1000));
  ring.Push(Message("c", 1000));
  EXPECT_EQ(ring.After("a"), std::nullopt);
  EXPECT_TRUE(ring.After("b"));
  ring.Push(Message("d", 4000));
  EXPECT_EQ(ring.first(), ring.end()) << "what is larger than the ring leaves it empty";
  EXPECT_EQ(ring.After("c"), std::nullopt);
}

TEST(ReplayRingTest, WithoutRoomItKeepsNothing) {
  ReplayRing ring(0, 1 << 20);
  ring.Push(Message("a"));
  EXPECT_EQ(ring.After("a"), std::nullopt);
}

TEST(ReplayRingTest, WhoReadsOnAfterAClearSeesThatItsPlaceIsLost) {
  ReplayRing ring(4, 1 << 20);
  ring.Push(Message("a"));
  const uint64_t place = ring.end();
  ring.Clear();
  ring.Push(Message("b"));
  EXPECT_LT(place, ring.first());
  EXPECT_EQ(ring.After("a"), std::nullopt);
  EXPECT_EQ(ring.After("b"), ring.end());
}

TEST(ReplayRingTest, AnIdThatComesTwiceMeansItsLastPlace) {
  ReplayRing ring(3, 1 << 20);
  for (const char* id : {"a", "b", "a", "c"}) ring.Push(Message(id));
  ASSERT_TRUE(ring.After("a"));
  EXPECT_EQ(ring.At(*ring.After("a"))->id, "c");
}

}  // namespace
}  // namespace tallybus
