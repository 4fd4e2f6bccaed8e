// What a peer reads of the common answers.
#include "transports/web/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::Contains;
using ::testing::Pair;

TEST(AnswersTest, JsonSaysThatItIsJsonAndOfTheMoment) {
  const HttpAnswer answer = JsonAnswer(202, R"({"a":1})");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, R"({"a":1})");
  EXPECT_THAT(answer.headers, Contains(Pair("Content-Type", "application/json")));
  EXPECT_THAT(answer.headers, Contains(Pair("Cache-Control", "no-store")));
}

TEST(AnswersTest, AnErrorIsItsSentenceUnderTheStatusOfItsKind) {
  const HttpAnswer answer = ErrorAnswer(absl::NotFoundError("no dead letter has this id"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "no dead letter has this id\n");
  EXPECT_THAT(answer.headers, Contains(Pair("Content-Type", "text/plain; charset=utf-8")));
  EXPECT_EQ(ErrorAnswer(absl::InvalidArgumentError("")).status, 400);
  EXPECT_EQ(ErrorAnswer(absl::AbortedError("")).status, 409);
  EXPECT_EQ(ErrorAnswer(absl::UnimplementedError("")).status, 501);
  EXPECT_EQ(ErrorAnswer(absl::ResourceExhaustedError("")).status, 503);
  EXPECT_EQ(ErrorAnswer(absl::InternalError("")).status, 500);
}

}  // namespace
}  // namespace tallybus
