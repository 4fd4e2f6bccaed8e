// The script of answers.
#include "apps/receive/answer_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

using ::testing::HasSubstr;

TEST(AnswerScriptTest, GivesItsAnswersInOrderAndRepeatsTheLast) {
  absl::StatusOr<AnswerScript> script = AnswerScript::Parse("500, hang,reset,403");
  ASSERT_TRUE(script.ok()) << script.status();
  for (const char* expected : {"500", "hang", "reset", "403", "403", "403"}) {
    EXPECT_EQ(script->Next().ToString(), expected);
  }
}

TEST(AnswerScriptTest, AnswersWith200WhereNothingIsSaid) {
  AnswerScript script;
  EXPECT_EQ(script.Next().ToString(), "200");
  EXPECT_EQ(script.Next().ToString(), "200");
}

TEST(AnswerScriptTest, NamesTheWordThatIsNoAnswer) {
  for (const char* word : {"199", "600", "ok", "", "-200", "20x"}) {
    const absl::Status status = AnswerScript::Parse("200," + std::string(word)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << word;
    EXPECT_THAT(std::string(status.message()), HasSubstr("'" + std::string(word) + "'"));
  }
}

}  // namespace
}  // namespace tallybus::receive
