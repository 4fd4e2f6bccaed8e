// The nearest of some known words.
#include "tallybusd/config/spelling.h"

#include <gtest/gtest.h>

namespace tallybus::config {
namespace {

TEST(SpellingTest, DistanceCountsAddedRemovedAndReplacedLetters) {
  EXPECT_EQ(EditDistance("timeot", "timeout"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", "abc"), 0u);
}

TEST(SpellingTest, NearestWordIsSuggested) {
  EXPECT_EQ(Suggest("timeot", {"url", "time", "timeout"}), "did you mean \"timeout\"?");
  EXPECT_EQ(Suggest("ur", {"url", "timeout"}), "did you mean \"url\"?");
}

TEST(SpellingTest, WordThatIsFarFromAllGetsTheListOfKnownOnes) {
  EXPECT_EQ(Suggest("banana", {"url", "timeout"}), "known: url, timeout");
  // Two of five letters are more than a third.
  EXPECT_EQ(Suggest("lavel", {"level"}), "did you mean \"level\"?");
  EXPECT_EQ(Suggest("lavex", {"level"}), "known: level");
}

TEST(SpellingTest, HugeWordIsNotCompared) {
  EXPECT_EQ(Suggest(std::string(1'000'000, 'x'), {"url"}), "known: url");
}

}  // namespace
}  // namespace tallybus::config
