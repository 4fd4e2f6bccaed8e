// UTF-8 without control characters.
#include "tallybusd/config/plain_text.h"

#include <gtest/gtest.h>

#include <string>

namespace tallybus::config {
namespace {

constexpr size_t kNone = std::string_view::npos;

TEST(PlainTextTest, TextOfEveryScriptPasses) {
  EXPECT_EQ(FindNotPlain(""), kNone);
  EXPECT_EQ(FindNotPlain("media-07 \xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x8E\xA5 \xF4\x8F\xBF\xBF"),
            kNone);
}

TEST(PlainTextTest, ControlCharactersAreFound) {
  EXPECT_EQ(FindNotPlain(std::string("ab\0c", 4)), 2u);
  EXPECT_EQ(FindNotPlain("a\x04"), 1u);
  EXPECT_EQ(FindNotPlain("\x7F"), 0u);
  EXPECT_EQ(FindNotPlain("a\xC2\x85"), 1u);
  EXPECT_EQ(FindNotPlain("a\xC2\xA0"), kNone);
}

TEST(PlainTextTest, LayoutPassesOnlyWhereItIsAllowed) {
  EXPECT_EQ(FindNotPlain("a\tb\r\n", /*allow_layout=*/true), kNone);
  EXPECT_EQ(FindNotPlain("a\tb"), 1u);
  EXPECT_EQ(FindNotPlain("a\n"), 1u);
}

TEST(PlainTextTest, MalformedUtf8IsFound) {
  for (const char* bad :
       {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE4\xB8", "\xC3("}) {
    EXPECT_EQ(FindNotPlain(std::string("ab") + bad), 2u) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace tallybus::config
