// ${X}, ${X:-default} and $$.
#include "tallybusd/config/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Expand(std::string_view text, Environment environment = {}) {
  absl::StatusOr<std::string> result = ExpandVariables(text, Lookup(std::move(environment)));
  return result.ok() ? *result : "error: " + std::string(result.status().message());
}

TEST(VariablesTest, VariablesAreReplacedWhereverTheyStand) {
  EXPECT_EQ(Expand("http://${HOST}:${PORT}/x", {{"HOST", "a"}, {"PORT", "80"}}), "http://a:80/x");
}

TEST(VariablesTest, DefaultStandsInForAnUnsetAndForAnEmptyVariable) {
  EXPECT_EQ(Expand("${X:-a:-b}"), "a:-b");
  EXPECT_EQ(Expand("${X:-a}", {{"X", ""}}), "a");
  EXPECT_EQ(Expand("${X:-a}", {{"X", "b"}}), "b");
  EXPECT_EQ(Expand("${X:-}"), "");
}

TEST(VariablesTest, UnsetVariableIsAnErrorThatNamesIt) {
  EXPECT_THAT(Expand("${BACKEND}"), HasSubstr("the environment variable BACKEND is not set"));
  EXPECT_EQ(Expand("[${X}]", {{"X", ""}}), "[]");
}

TEST(VariablesTest, ValueOfAVariableIsNotExpandedAgain) {
  EXPECT_EQ(Expand("${X}", {{"X", "${Y}$$"}}), "${Y}$$");
}

TEST(VariablesTest, TwoDollarsAreOne) { EXPECT_EQ(Expand("a$$b$${X}"), "a$b${X}"); }

TEST(VariablesTest, MalformedFormsAreRefusedWithoutTheirText) {
  for (const char* text : {"$HOME", "a$", "${secret", "${}", "${1X}", "${a b}", "${secret-x}"}) {
    EXPECT_THAT(Expand(text), HasSubstr("error: ")) << text;
    EXPECT_THAT(Expand(text), Not(HasSubstr("secret"))) << text;
  }
}

TEST(VariablesTest, ProcessEnvironmentTellsEmptyFromUnset) {
  setenv("TALLYBUS_TEST_EMPTY", "", 1);
  EXPECT_EQ(ProcessEnvironment("TALLYBUS_TEST_EMPTY"), "");
  unsetenv("TALLYBUS_TEST_EMPTY");
  EXPECT_EQ(ProcessEnvironment("TALLYBUS_TEST_EMPTY"), std::nullopt);
}

}  // namespace
}  // namespace tallybus::config
