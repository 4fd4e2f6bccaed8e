// Fields left out of a body, the others byte for byte.
#include <gtest/gtest.h>

#include <algorithm>

#include "tallybus/policy.h"

namespace tallybus {
namespace {

FieldSetPtr Fields(FieldSet fields) {
  std::sort(fields.begin(), fields.end());
  return std::make_shared<FieldSet>(std::move(fields));
}

TEST(FieldFilterTest, LeavesOutWhatIsNamed) {
  EXPECT_EQ(WithoutFields(R"({"a":1,"sdp":"v=0","b":2})", Fields({"sdp"})), R"({"a":1,"b":2})");
  EXPECT_EQ(WithoutFields(R"({"a":1,"sdp":"v=0","b":2})", Fields({"b", "a"})), R"({"sdp":"v=0"})");
}

TEST(FieldFilterTest, AnEscapedKeyDoesNotEscapeIt) {
  EXPECT_EQ(WithoutFields(R"({"s\u0064p":"v=0","a":1})", Fields({"sdp"})), R"({"a":1})");
}

TEST(FieldFilterTest, LeavesOutEveryDuplicate) {
  EXPECT_EQ(WithoutFields(R"({"sdp":1,"a":1,"sdp":2})", Fields({"sdp"})), R"({"a":1})");
}

TEST(FieldFilterTest, KeepsTheBytesOfTheOthers) {
  EXPECT_EQ(WithoutFields("{ \"a\" : 1.50 ,\n\"sdp\":[1,{}], \"b\\u0062\" :\"\\/\\u00e9\" }",
                          Fields({"sdp"})),
            "{\"a\" : 1.50,\"b\\u0062\" :\"\\/\\u00e9\"}");
}

TEST(FieldFilterTest, LooksAtTheTopLevelAlone) {
  EXPECT_EQ(WithoutFields(R"({"custom":{"sdp":1}})", Fields({"sdp"})), R"({"custom":{"sdp":1}})");
}

TEST(FieldFilterTest, NamesAreExact) {
  EXPECT_EQ(WithoutFields(R"({"SDP":1,"sdp2":2,"":3})", Fields({"sdp"})),
            R"({"SDP":1,"sdp2":2,"":3})");
}

TEST(FieldFilterTest, NothingLeftIsAnEmptyObject) {
  EXPECT_EQ(WithoutFields(R"({"a":1})", Fields({"a"})), "{}");
  EXPECT_EQ(WithoutFields("{}", Fields({"a"})), "{}");
}

TEST(FieldFilterTest, NoSetChangesNothing) {
  EXPECT_EQ(WithoutFields(" {\"a\": 1 } ", nullptr), " {\"a\": 1 } ");
}

}  // namespace
}  // namespace tallybus
