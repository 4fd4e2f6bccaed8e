// What is remembered of sequences, and for how many keys.
#include "apps/receive/sequence_watch.h"

#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

TEST(SequenceWatchTest, TellsWhatWasDueAfterTheLastOfEachKey) {
  SequenceWatch watch(8);
  EXPECT_EQ(watch.Note("a", 7), 0u) << "whoever joins late knows no better";
  EXPECT_EQ(watch.Note("b", 1), 0u);
  EXPECT_EQ(watch.Note("a", 8), 8u);
  EXPECT_EQ(watch.Note("a", 12), 9u);
  EXPECT_EQ(watch.Note("a", 13), 13u);
  EXPECT_EQ(watch.Note("b", 2), 2u);
}

TEST(SequenceWatchTest, ForgetsTheKeyThatWasQuietForLongestAndCountsIt) {
  SequenceWatch watch(2);
  watch.Note("a", 1);
  watch.Note("b", 1);
  watch.Note("a", 2);
  watch.Note("c", 1);
  EXPECT_EQ(watch.forgotten(), 1u);
  EXPECT_EQ(watch.Note("a", 3), 3u);
  EXPECT_EQ(watch.Note("b", 2), 0u);
}

}  // namespace
}  // namespace tallybus::receive
