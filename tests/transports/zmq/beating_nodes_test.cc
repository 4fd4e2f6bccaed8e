// Nodes of the open bus: who promised to be heard of, and who was not.
#include "transports/zmq/beating_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::zmq_transport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kGrace = absl::Seconds(30);

MonoTime At(int seconds) { return MonoTime::AtOffset(absl::Seconds(seconds)); }

TEST(BeatingNodesTest, TheFirstHeartbeatOfANodeIsNews) {
  BeatingNodes nodes;
  EXPECT_TRUE(nodes.Beat("a", At(0)));
  EXPECT_FALSE(nodes.Beat("a", At(1)));
  EXPECT_TRUE(nodes.Beat("b", At(1)));
}

TEST(BeatingNodesTest, ASilentNodeIsLostOnceAndNewWhenItReturns) {
  BeatingNodes nodes;
  nodes.Beat("a", At(0));
  nodes.Beat("b", At(20));
  EXPECT_THAT(nodes.TakeLost(At(29), kGrace), IsEmpty());
  EXPECT_THAT(nodes.TakeLost(At(30), kGrace), ElementsAre("a"));
  EXPECT_THAT(nodes.TakeLost(At(31), kGrace), IsEmpty());
  EXPECT_TRUE(nodes.Beat("a", At(32)));
}

TEST(BeatingNodesTest, AnEventProvesAsMuchAsAHeartbeat) {
  BeatingNodes nodes;
  nodes.Beat("a", At(0));
  nodes.Heard("a", At(20));
  EXPECT_THAT(nodes.TakeLost(At(49), kGrace), IsEmpty());
  EXPECT_THAT(nodes.TakeLost(At(50), kGrace), ElementsAre("a"));
}

TEST(BeatingNodesTest, AnEventAlonePromisesNothing) {
  BeatingNodes nodes;
  nodes.Beat("another", At(1000));
  nodes.Heard("a", At(0));
  EXPECT_THAT(nodes.TakeLost(At(1000), kGrace), IsEmpty());
}

TEST(BeatingNodesTest, WhoInventsNodesFillsABoundedTable) {
  BeatingNodes nodes;
  for (size_t i = 0; i < BeatingNodes::kMost; ++i) nodes.Beat(std::to_string(i), At(0));
  EXPECT_FALSE(nodes.Beat("one too many", At(0)));
  EXPECT_FALSE(nodes.Beat("7", At(1))) << "those that are known are heard still";
  EXPECT_THAT(nodes.TakeLost(At(30), kGrace), SizeIs(BeatingNodes::kMost - 1));
  EXPECT_TRUE(nodes.Beat("one more", At(31)));
}

}  // namespace
}  // namespace tallybus::zmq_transport
