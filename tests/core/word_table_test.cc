// Texts shared by count of their uses.
#include "word_table.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <vector>

namespace tallybus {
namespace {

TEST(WordTableTest, GivesTheSameWordForTheSameText) {
  WordTable words;
  const Word refused = words.Take("connection refused");
  EXPECT_EQ(words.Take("connection refused"), refused);
  EXPECT_NE(words.Take("timed out"), refused);
  EXPECT_EQ(words.Text(refused), "connection refused");
  EXPECT_EQ(words.Take(""), Word{});
  EXPECT_EQ(words.Text(Word{}), "");
  EXPECT_EQ(words.size(), 2u);
}

TEST(WordTableTest, ForgetsATextWithItsLastUse) {
  WordTable words;
  const Word once = words.Take("a");
  words.Take("a");
  words.Release(once);
  EXPECT_EQ(words.Text(once), "a");
  words.Release(once);
  EXPECT_EQ(words.size(), 0u);
  words.Release(Word{});
  EXPECT_EQ(words.Text(words.Take("b")), "b");
  EXPECT_EQ(words.size(), 1u);
}

TEST(WordTableTest, CutsALongTextAtACharacter) {
  WordTable words;
  EXPECT_EQ(words.Text(words.Take(std::string(64, 'x'))), std::string(64, 'x'));
  EXPECT_EQ(words.Text(words.Take(std::string(65, 'x'))), std::string(61, 'x') + "...");
  const std::string umlauts = std::string(60, 'x') + "\xC3\xA4\xC3\xA4\xC3\xA4";
  EXPECT_EQ(words.Text(words.Take(umlauts)), std::string(60, 'x') + "...");
  const std::string no_characters(100, '\x80');
  EXPECT_EQ(words.Text(words.Take(no_characters)), "...");
}

TEST(WordTableTest, AWordThatWasJustTakenIsForgottenWithItsLastUse) {
  WordTable words;
  const Word first = words.Take("route");
  EXPECT_EQ(words.Take("route"), first);
  words.Release(first);
  EXPECT_EQ(words.Text(first), "route");
  words.Release(first);
  EXPECT_EQ(words.size(), 0u);
  const Word other = words.Take("other");
  const Word again = words.Take("route");
  EXPECT_NE(other, again);
  EXPECT_EQ(words.Text(words.Take("route")), "route");
  EXPECT_EQ(words.Text(words.Take("other")), "other");
}

TEST(WordTableTest, SaysSoWhenItIsFullAndIsUsefulAgainWhenItIsNot) {
  WordTable words;
  std::vector<Word> taken;
  for (size_t i = 0; i < WordTable::kMaxWords; ++i)
    taken.push_back(words.Take(absl::StrCat("w", i)));
  const Word over = words.Take("one more");
  EXPECT_EQ(words.Text(over), WordTable::kTooMany);
  EXPECT_EQ(words.Take("w17"), taken[17]);
  words.Release(over);
  words.Release(taken[5]);
  EXPECT_EQ(words.Text(words.Take("one more")), "one more");
  EXPECT_EQ(words.size(), WordTable::kMaxWords);
  for (size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(words.Text(taken[i]), i == 5 ? "one more" : absl::StrCat("w", i));
  }
}

}  // namespace
}  // namespace tallybus
