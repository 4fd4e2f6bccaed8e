// Text that may be passed on.
#include "plugins/loader/printable.h"

#include <gtest/gtest.h>

namespace tallybus::loader {
namespace {

TEST(PrintableTest, KeepsPrintableAsciiAndCutsTheRest) {
  EXPECT_EQ(Printable(" ~az", 10), " ~az");
  EXPECT_EQ(Printable("a\nb\t\x1b[1m\x7f\xc3\xa9", 20), "a?b??[1m???");
  EXPECT_EQ(Printable("abcdef", 3), "abc");
  EXPECT_EQ(Printable(std::string_view("\0a", 2), 3), "?a");
  EXPECT_EQ(Printable({}, 3), "");
}

}  // namespace
}  // namespace tallybus::loader
