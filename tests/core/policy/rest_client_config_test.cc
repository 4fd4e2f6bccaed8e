// A restClientConfig as backends send it: what is valid is used, the rest is told without values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/policy.h"

namespace tallybus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

MethodPolicy PolicyOf(std::string_view json) {
  return ParseRestClientConfig(json).config->For("StreamStatusEvent");
}
std::vector<std::string> WarningsOf(std::string_view json) {
  return ParseRestClientConfig(json).warnings;
}

constexpr char kSample[] =
    R"({"restClientConfig":{"StreamStatusEvent":{"clientExclude":"","restExclude":"sdp",)"
    R"("restOnError":"FAIL","restPolicy":"NOTIFY","restOverwrite":""}}})";

TEST(RestClientConfigTest, ReadsTheSampleOfWebCallServer) {
  EXPECT_THAT(WarningsOf(kSample), IsEmpty());
  const MethodPolicy policy = PolicyOf(kSample);
  EXPECT_EQ(policy.on_error, OnError::kFail);
  EXPECT_EQ(policy.rest_policy, RestPolicy::kNotify);
  EXPECT_EQ(policy.client_exclude, nullptr);
  EXPECT_EQ(*policy.rest_exclude, FieldSet{"sdp"});
}

TEST(RestClientConfigTest, EachRestPolicyIsReadBackFromItsWord) {
  for (RestPolicy each : {RestPolicy::kNotify, RestPolicy::kOverwrite, RestPolicy::kDisable}) {
    MethodPolicy policy;
    ASSERT_TRUE(SetPolicyField(policy, "restPolicy", RestPolicyWord(each)).ok());
    EXPECT_EQ(policy.rest_policy, each);
  }
}

TEST(RestClientConfigTest, TheOuterObjectMayBeLeftOut) {
  EXPECT_EQ(PolicyOf(R"({"StreamStatusEvent":{"restOnError":"FAIL"}})").on_error, OnError::kFail);
}

TEST(RestClientConfigTest, WhatIsNotListedHasTheDefaults) {
  const MethodPolicy policy = PolicyOf(R"({"ConnectionStatusEvent":{"restOnError":"FAIL"}})");
  EXPECT_EQ(policy.on_error, OnError::kLog);
  EXPECT_EQ(policy.rest_policy, RestPolicy::kNotify);
  EXPECT_EQ(policy.rest_exclude, nullptr);
  EXPECT_THAT(WarningsOf("{}"), IsEmpty());
}

TEST(RestClientConfigTest, DisabledIsTheOlderSpellingOfDisable) {
  for (const char* spelling : {"DISABLE", "DISABLED"}) {
    const std::string json =
        std::string(R"({"StreamStatusEvent":{"restPolicy":")") + spelling + "\"}}";
    EXPECT_EQ(PolicyOf(json).rest_policy, RestPolicy::kDisable);
    EXPECT_THAT(WarningsOf(json), IsEmpty());
  }
}

TEST(RestClientConfigTest, AListOfFieldsMayHaveSpaces) {
  EXPECT_THAT(
      *PolicyOf(R"({"StreamStatusEvent":{"restExclude":" sdp , name,,width "}})").rest_exclude,
      ElementsAre("name", "sdp", "width"));
  EXPECT_EQ(PolicyOf(R"({"StreamStatusEvent":{"restExclude":" , "}})").rest_exclude, nullptr);
}

TEST(RestClientConfigTest, AnUnknownFieldWarnsWithoutItsValueAndSpoilsNothing) {
  const std::string json = R"({"StreamStatusEvent":{"restToken":"secret","restOnError":"FAIL"}})";
  EXPECT_EQ(PolicyOf(json).on_error, OnError::kFail);
  EXPECT_THAT(WarningsOf(json),
              ElementsAre(AllOf(HasSubstr("StreamStatusEvent"), HasSubstr("restToken"),
                                HasSubstr("restOnError"), Not(HasSubstr("secret")))));
}

TEST(RestClientConfigTest, AnImpossibleValueWarnsWithoutItAndKeepsTheDefault) {
  const std::string json = R"({"StreamStatusEvent":{"restOnError":"fail","restPolicy":"secret"}})";
  EXPECT_EQ(PolicyOf(json).on_error, OnError::kLog);
  EXPECT_THAT(WarningsOf(json),
              ElementsAre(AllOf(HasSubstr("LOG or FAIL"), Not(HasSubstr("\"fail\""))),
                          Not(HasSubstr("secret"))));
}

TEST(RestClientConfigTest, OverwriteComesWithItsList) {
  const std::string json =
      R"({"StreamStatusEvent":{"restPolicy":"OVERWRITE","restOverwrite":"name, info"}})";
  EXPECT_EQ(PolicyOf(json).rest_policy, RestPolicy::kOverwrite);
  EXPECT_EQ(*PolicyOf(json).rest_overwrite, (FieldSet{"info", "name"}));
  EXPECT_THAT(WarningsOf(json), IsEmpty());
}

TEST(RestClientConfigTest, WhoseEventItIsCanNeverBeOverwritten) {
  const std::string json =
      R"({"X":{"restOverwrite":"nodeId,sdp,sessionId,appKey"},"Y":{"restOverwrite":"nodeId"}})";
  EXPECT_EQ(*ParseRestClientConfig(json).config->For("X").rest_overwrite, FieldSet{"sdp"});
  EXPECT_EQ(ParseRestClientConfig(json).config->For("Y").rest_overwrite, nullptr);
  EXPECT_THAT(WarningsOf(json), IsEmpty());
}

TEST(RestClientConfigTest, WrongTypesWarnOneByOne) {
  const auto parsed = ParseRestClientConfig(
      R"({"StreamStatusEvent":{"restOnError":1,"restExclude":["sdp"],"restPolicy":null,)"
      R"("clientExclude":"name"},"CallStatusEvent":5,"bad method":{}})");
  EXPECT_THAT(parsed.warnings, SizeIs(5));
  EXPECT_THAT(parsed.warnings[0], HasSubstr("is not a string"));
  EXPECT_EQ(*parsed.config->For("StreamStatusEvent").client_exclude, FieldSet{"name"});
  EXPECT_EQ(parsed.config->For("StreamStatusEvent").rest_exclude, nullptr);
}

TEST(RestClientConfigTest, WhatIsNoObjectLeavesTheDefaultsAndOneWarning) {
  for (const char* json :
       {"", "[]", "null", "\"FAIL\"", "{\"StreamStatusEvent\":{\"restOnError\":NaN}}",
        "{\"restClientConfig\":[]}", "{\"restClientConfig\":\"x\"}", "{}x"}) {
    EXPECT_THAT(WarningsOf(json), SizeIs(1)) << json;
    EXPECT_EQ(PolicyOf(json).on_error, OnError::kLog) << json;
  }
}

TEST(RestClientConfigTest, AKeyFromOutsideIsCutAndMadePrintable) {
  const std::string json =
      "{\"StreamStatusEvent\":{\"a\\n\\u001b" + std::string(1000, 'x') + "\":\"\"}}";
  ASSERT_THAT(WarningsOf(json), SizeIs(1));
  const std::string warning = WarningsOf(json)[0];
  EXPECT_THAT(warning, HasSubstr("a??x"));
  EXPECT_LT(warning.size(), 300u);
}

TEST(RestClientConfigTest, TenThousandLevelsAreRefused) {
  EXPECT_THAT(WarningsOf(std::string(10'000, '[')), SizeIs(1));
}

TEST(SetPolicyFieldTest, RefusesWhatItDoesNotKnow) {
  MethodPolicy policy;
  EXPECT_TRUE(SetPolicyField(policy, "restOverwrite", "").ok());
  EXPECT_EQ(policy.rest_overwrite, nullptr);
  EXPECT_EQ(SetPolicyField(policy, "restOverwritten", "name").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SetPolicyField(policy, "restPolicy", "notify").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SetPolicyField(policy, "restonerror", "FAIL").code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tallybus
