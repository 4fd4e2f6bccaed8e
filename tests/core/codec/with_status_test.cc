// A status object under another status, the rest byte for byte.
#include "codec/with_status.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

TEST(WithStatusTest, ReplacesBothInTheirPlaces) {
  EXPECT_EQ(WithStatus(R"({"a":1,"status":"PUBLISHING","b":[1, 2],"info":"x","c":null})", "FAILED",
                       "engine lost"),
            R"({"a":1,"status":"FAILED","b":[1, 2],"info":"engine lost","c":null})");
}

TEST(WithStatusTest, AddsWhatIsMissingAtTheEnd) {
  EXPECT_EQ(WithStatus(R"({"a":1})", "FAILED", "stale"),
            R"({"a":1,"status":"FAILED","info":"stale"})");
  EXPECT_EQ(WithStatus("{}", "FAILED", "stale"), R"({"status":"FAILED","info":"stale"})");
}

TEST(WithStatusTest, SaysEachOnceThoughItCameTwice) {
  EXPECT_EQ(WithStatus(R"({"status":"A","info":"1","status":"B","info":"2"})", "FAILED", "x"),
            R"({"status":"FAILED","info":"x"})");
}

TEST(WithStatusTest, EscapesWhatItWrites) {
  EXPECT_EQ(WithStatus("{}", "a\"b", "c\nd"), R"({"status":"a\"b","info":"c\nd"})");
}

TEST(WithStatusTest, AValueThatIsNoStringIsReplacedAllTheSame) {
  EXPECT_EQ(WithStatus(R"({"status":{"x":[1]},"info":7})", "FAILED", "x"),
            R"({"status":"FAILED","info":"x"})");
}

}  // namespace
}  // namespace tallybus
