// Durations and sizes with their units.
#include "tallybusd/config/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;

std::string DurationError(std::string_view text) {
  return std::string(ParseDuration(text).status().message());
}
std::string SizeError(std::string_view text) {
  return std::string(ParseSize(text).status().message());
}

TEST(UnitsTest, EveryUnitOfDurationIsRead) {
  EXPECT_EQ(*ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("10s"), absl::Seconds(10));
  EXPECT_EQ(*ParseDuration("15m"), absl::Minutes(15));
  EXPECT_EQ(*ParseDuration("2h"), absl::Hours(2));
  EXPECT_EQ(*ParseDuration("14d"), absl::Hours(336));
}

TEST(UnitsTest, BinaryAndDecimalSizesDiffer) {
  EXPECT_EQ(*ParseSize("7B"), 7);
  EXPECT_EQ(*ParseSize("512KiB"), 512 * 1024);
  EXPECT_EQ(*ParseSize("64MiB"), int64_t{64} << 20);
  EXPECT_EQ(*ParseSize("4GiB"), int64_t{4} << 30);
  EXPECT_EQ(*ParseSize("1TiB"), int64_t{1} << 40);
  EXPECT_EQ(*ParseSize("10MB"), 10'000'000);
}

TEST(UnitsTest, BareNumberIsRefusedWithItsTwoLikelyMeanings) {
  EXPECT_EQ(DurationError("10"), "has no unit; did you mean 10s or 10ms?");
  EXPECT_EQ(SizeError("64"), "has no unit; did you mean 64MiB or 64B?");
}

TEST(UnitsTest, ZeroNeedsNoUnit) {
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
  EXPECT_EQ(*ParseSize("0"), 0);
}

TEST(UnitsTest, NegativeValuesAreRefused) {
  EXPECT_EQ(DurationError("-5s"), "must not be negative");
  EXPECT_EQ(SizeError("-1MiB"), "must not be negative");
}

TEST(UnitsTest, ValuesThatOverflowAreRefused) {
  EXPECT_EQ(DurationError("99999999999999999999s"), "is too large");
  EXPECT_EQ(DurationError("9223372036854775807h"), "is too large");
  EXPECT_EQ(SizeError("9223372036854775807KiB"), "is too large");
  EXPECT_TRUE(ParseSize("8388607TiB").ok());
  EXPECT_EQ(SizeError("8388608TiB"), "is too large");
}

TEST(UnitsTest, AnythingElseIsRefusedWithTheUnits) {
  for (const char* text : {"", "s", "1.5s", "10 s", "10sec", "1h30m", "+1s", "10S", "1D"}) {
    EXPECT_THAT(DurationError(text), HasSubstr("(ms, s, m, h, d), such as 10s")) << text;
  }
  for (const char* text : {"", "MiB", "64Mb", "64M", "1.5GiB"}) {
    EXPECT_THAT(SizeError(text), HasSubstr("such as 64MiB")) << text;
  }
}

TEST(UnitsTest, ValuesAreWrittenInTheLargestUnitThatDividesThem) {
  EXPECT_EQ(DurationText(absl::Milliseconds(1500)), "1500ms");
  EXPECT_EQ(DurationText(absl::Seconds(90)), "90s");
  EXPECT_EQ(DurationText(absl::Seconds(120)), "2m");
  EXPECT_EQ(DurationText(absl::Hours(71)), "71h");
  EXPECT_EQ(DurationText(absl::Hours(72)), "3d");
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0");
  EXPECT_EQ(SizeText(int64_t{64} << 20), "64MiB");
  EXPECT_EQ(SizeText(10'000'000), "10000000B");
  EXPECT_EQ(SizeText(0), "0");
}

}  // namespace
}  // namespace tallybus::config
