// What a terminal would obey, and what it only shows.
#include "apps/receive/visible.h"

#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

TEST(VisibleTest, ShowsWhatATerminalWouldObeyAsItsBytes) {
  EXPECT_EQ(Visible("a\x1b[2J\n\x7f"), "a\\x1b[2J\\x0a\\x7f");
  EXPECT_EQ(Visible(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Visible("\xC2\x80\xC2\x9B"), "\\xc2\\x80\\xc2\\x9b") << "both bytes of a C1 control";
}

TEST(VisibleTest, LeavesTheRestAsItIs) {
  const std::string text = "cam-1 \\ \"\xC2\xA0\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8E\xA5";
  EXPECT_EQ(Visible(text), text);
  EXPECT_EQ(Visible("\xC2"), "\xC2") << "half a character at the end";
  EXPECT_EQ(Visible(""), "");
}

}  // namespace
}  // namespace tallybus::receive
