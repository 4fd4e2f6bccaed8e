// Fields as they are, against fields as they should be.
#include "apps/tallybusd/check/json_match.h"

#include <gtest/gtest.h>

namespace tallybus::check {
namespace {

constexpr char kObject[] =
    R"({"status":"X","n":7,"big":2000000,"sdp":null,"info":{"codec":"H264","a.b":1},"list":[1,{"x":2,"y":3}]})";

std::string Said(std::string_view path, const std::optional<std::string>& wanted) {
  return Mismatch(kObject, path, wanted);
}

TEST(JsonMatchTest, WhatIsAsExpectedIsNoMismatch) {
  EXPECT_EQ(Said("status", "\"X\""), "");
  EXPECT_EQ(Said("n", "7"), "");
  EXPECT_EQ(Said("big", "2.0e6"), "");
  EXPECT_EQ(Said("info.codec", "\"H264\""), "");
  EXPECT_EQ(Said("info.a.b", "1"), "");
  EXPECT_EQ(Said("list", R"([1, {"y": 3, "x": 2}])"), "");
  EXPECT_EQ(Said("none", std::nullopt), "");
  EXPECT_EQ(Said("info.none", std::nullopt), "");
  EXPECT_EQ(Said("status.none", std::nullopt), "");
}

TEST(JsonMatchTest, WhatIsOtherwiseIsToldWithBoth) {
  EXPECT_EQ(Said("status", "\"Y\""), R"(is "X"; expected: "Y")");
  EXPECT_EQ(Said("n", "\"7\""), R"(is 7; expected: "7")");
  EXPECT_EQ(Said("none", "1"), "is not there; expected: 1");
  EXPECT_EQ(Said("sdp", std::nullopt), "is there: null");
  EXPECT_EQ(Said("list", "[1]"), R"(is [1,{"x":2,"y":3}]; expected: [1])");
  EXPECT_NE(Said("list", R"([1,{"x":2,"z":3}])"), "");
  EXPECT_NE(Said("info", R"({"codec":"H264"})"), "");
  EXPECT_NE(Said("info", R"({"codec":"H264","a.b":1,"more":2})"), "");
  EXPECT_NE(Said("list", R"([1,{"x":2,"y":3},4])"), "");
}

TEST(JsonMatchTest, LongValuesAreCut) {
  const std::string said = Mismatch("{\"a\":\"" + std::string(1000, 'x') + "\"}", "a", "1");
  EXPECT_LT(said.size(), 300);
}

}  // namespace
}  // namespace tallybus::check
