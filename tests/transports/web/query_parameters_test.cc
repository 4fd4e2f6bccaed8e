// Query strings, good and bad.
#include "transports/web/query_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view query) {
  return std::string(QueryParameters::Parse(query).status().message());
}

std::string Value(std::string_view query, std::string_view name) {
  auto parameters = QueryParameters::Parse(query);
  EXPECT_TRUE(parameters.ok()) << parameters.status();
  const std::string* value = parameters->Find(name);
  return value == nullptr ? "(none)" : *value;
}

TEST(QueryParametersTest, DecodesNamesAndValues) {
  EXPECT_EQ(Value("route=a%2Fb%26c&x=y+z%2b1", "route"), "a/b&c");
  EXPECT_EQ(Value("route=a&x=y+z%2b1", "x"), "y z+1");
  EXPECT_EQ(Value("%72oute=%41%4a%4A", "route"), "AJJ");
  EXPECT_EQ(Value("a=b=c", "a"), "b=c");
  EXPECT_EQ(Value("follow&&x=", "follow"), "");
  EXPECT_EQ(Value("follow&&x=", "x"), "");
  EXPECT_EQ(Value("", "x"), "(none)");
}

TEST(QueryParametersTest, RefusesABrokenPercentInNameAndValue) {
  for (const char* query : {"a=%", "a=%4", "a=%4g", "a=%g4", "%zz=1", "a=1&b=%-1"}) {
    EXPECT_THAT(ErrorOf(query), HasSubstr("two hexadecimal digits")) << query;
  }
}

TEST(QueryParametersTest, RefusesWhatIsGivenTwiceOrWithoutAName) {
  EXPECT_EQ(ErrorOf("a=1&%61=2"), "parameter 'a' comes twice");
  EXPECT_EQ(ErrorOf("%0a=1&%0a=2"), "parameter '\\n' comes twice");
  const std::string long_name(1000, 'a');
  EXPECT_EQ(ErrorOf(long_name + "=1&" + long_name + "=2"),
            "parameter '" + std::string(40, 'a') + "' comes twice");
  EXPECT_THAT(ErrorOf("=1"), HasSubstr("no name"));
}

TEST(QueryParametersTest, RefusesMoreThanItsBound) {
  std::string query;
  for (size_t i = 0; i < QueryParameters::kMost; ++i) query += "p" + std::to_string(i) + "=1&";
  EXPECT_EQ(ErrorOf(query), "");
  EXPECT_EQ(ErrorOf(query + "one=more"), "more than 32 parameters");
}

TEST(QueryParametersTest, ReadsAWholeNumberInItsRange) {
  const auto parameters =
      QueryParameters::Parse("limit=500&low=-1&word=ten&big=9223372036854775808");
  ASSERT_TRUE(parameters.ok());
  EXPECT_EQ(*parameters->Integer("limit", 100, 1, 500), 500);
  EXPECT_EQ(*parameters->Integer("other", 100, 1, 500), 100);
  EXPECT_EQ(parameters->Integer("limit", 100, 1, 499).status().message(),
            "parameter 'limit' must be a whole number from 1 to 499");
  for (const char* name : {"low", "word", "big"}) {
    EXPECT_FALSE(parameters->Integer(name, 100, 0, 1000).ok()) << name;
  }
}

TEST(QueryParametersTest, NamesAParameterThatNobodyKnows) {
  const auto parameters = QueryParameters::Parse("route=a&limt=1");
  ASSERT_TRUE(parameters.ok());
  EXPECT_EQ(parameters->CheckNames({"route", "limit"}).message(),
            "there is no parameter 'limt' here");
  EXPECT_TRUE(parameters->CheckNames({"route", "limt"}).ok());
}

TEST(QueryParametersTest, APathKeepsItsPlus) {
  EXPECT_EQ(*PercentDecode("a+b%20c"), "a+b c");
  EXPECT_FALSE(PercentDecode("100%").ok());
}

}  // namespace
}  // namespace tallybus
