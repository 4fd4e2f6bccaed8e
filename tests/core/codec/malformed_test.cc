// The word that a malformed message is counted under, and its bytes made safe for a log.
#include <gtest/gtest.h>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

TEST(MalformedTest, IsInvalidArgumentWithItsReasonInFront) {
  const absl::Status status = Malformed("utf8", "not UTF-8: at all");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "utf8: not UTF-8: at all");
  EXPECT_EQ(MalformedReason(status), "utf8");
}

TEST(MalformedTest, AStatusWithoutAColonIsItsOwnReason) {
  EXPECT_EQ(MalformedReason(absl::InvalidArgumentError("odd")), "odd");
}

TEST(MalformedTest, OnlyPrintableAsciiReachesALog) {
  EXPECT_EQ(EscapedPrefix("plain text"), "plain text");
  EXPECT_EQ(EscapedPrefix(std::string_view("a\0\n\x1b[31m\x7f\xc3\xa9\\", 12)),
            "a\\x00\\x0a\\x1b[31m\\x7f\\xc3\\xa9\\x5c");
}

TEST(MalformedTest, ALongTextIsCutAndSaysSo) {
  EXPECT_EQ(EscapedPrefix("abcdef", 3), "abc...");
  EXPECT_EQ(EscapedPrefix("abc", 3), "abc");
  EXPECT_EQ(EscapedPrefix(std::string(100, 'x')), std::string(32, 'x') + "...");
}

}  // namespace
}  // namespace tallybus
