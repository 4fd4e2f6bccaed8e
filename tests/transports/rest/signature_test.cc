// Published vectors of Standard Webhooks, and keys that are none.
#include "transports/rest/signature.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace tallybus::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kPair[] =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
constexpr char kSeed[] = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
constexpr char kPublic[] = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

WebhookKey Key(std::string_view text) {
  auto key = WebhookKey::Parse(text);
  EXPECT_TRUE(key.ok()) << key.status();
  return *std::move(key);
}

std::string ErrorOf(std::string_view text) {
  auto key = WebhookKey::Parse(text);
  return std::string(key.ok() ? key->MaySign().message() : key.status().message());
}

std::string WhsecOf(size_t bytes) { return "whsec_" + absl::Base64Escape(std::string(bytes, 'k')); }

TEST(SignatureTest, PublishedVectorsComeOutAndAreProved) {
  simdjson::dom::parser parser;
  int count = 0;
  for (simdjson::dom::element vector :
       parser.load(TALLYBUS_VECTORS "/standard_webhooks.json").get_array()) {
    const auto text = [&](const char* name) { return std::string(vector[name].get_c_str()); };
    const std::string content =
        SignedContent(text("id"), int64_t(vector["timestamp"]), text("body"));
    const WebhookKey key = Key(text("key"));
    EXPECT_EQ(key.Sign(content), text("signature")) << text("name");
    EXPECT_TRUE(key.Proves(content, text("signature"))) << text("name");
    if (vector["public_key"].error() == simdjson::SUCCESS) {
      EXPECT_TRUE(Key(text("public_key")).Proves(content, text("signature")));
    }
    ++count;
  }
  EXPECT_EQ(count, 4);
}

TEST(SignatureTest, TheSignedContentIsIdTimestampAndBody) {
  EXPECT_EQ(SignedContent("msg_1", 1614265330, "{}"), "msg_1.1614265330.{}");
}

TEST(SignatureTest, ASeedAloneSignsAsThePairDoes) {
  EXPECT_EQ(Key(kSeed).Sign("x"), Key(kPair).Sign("x"));
  EXPECT_EQ(Key(kSeed).version(), "v1a");
  EXPECT_EQ(Key(kSecret).version(), "v1");
}

TEST(SignatureTest, APublicKeyProvesAndDoesNotSign) {
  EXPECT_EQ(Key(kPublic).Sign("x"), "");
  EXPECT_TRUE(Key(kPublic).Proves("x", Key(kPair).Sign("x")));
}

TEST(SignatureTest, OneEntryOfManyIsEnough) {
  const std::string field =
      "v1,AAAA v1a,BBBB " + Key(kSecret).Sign("x") + " " + Key(kPair).Sign("x") + " v9,CCCC";
  EXPECT_TRUE(Key(kSecret).Proves("x", field));
  EXPECT_TRUE(Key(kPublic).Proves("x", field));
}

TEST(SignatureTest, WhatIsForgedIsNotProved) {
  for (const char* text : {kSecret, kPair}) {
    const WebhookKey key = Key(text);
    const std::string good = key.Sign("x");
    for (const std::string& field :
         {std::string(), std::string("v1,"), std::string("v1a,"), key.Sign("y"),
          Key(WhsecOf(24)).Sign("x"), good.substr(0, good.size() - 8), good.substr(good.find(',')),
          "v2" + good.substr(good.find(',')), std::string("v1,%%%%"), good + "AAAA"}) {
      EXPECT_FALSE(key.Proves("x", field)) << field;
    }
  }
  // The same bytes under the other version's name.
  EXPECT_FALSE(Key(kSecret).Proves("x", "v1a" + Key(kSecret).Sign("x").substr(2)));
}

TEST(SignatureTest, KeysThatMayNotSignSayWhy) {
  EXPECT_EQ(ErrorOf(""), "is empty");
  EXPECT_EQ(ErrorOf("whsec_"), "is empty behind its prefix");
  EXPECT_THAT(ErrorOf(std::string("v1,") + kSecret), HasSubstr("has a version in front"));
  EXPECT_THAT(ErrorOf(std::string("v1a,") + kPair), HasSubstr("has a version in front"));
  EXPECT_THAT(ErrorOf(kPublic), HasSubstr("is a public key"));
  EXPECT_THAT(ErrorOf("hunter2"), HasSubstr("begins with none of whsec_ and whsk_"));
  EXPECT_THAT(ErrorOf("whsec_hunter 2!"), HasSubstr("is not base64"));
  EXPECT_THAT(ErrorOf(WhsecOf(23)), HasSubstr("holds 23 bytes"));
  EXPECT_THAT(ErrorOf(WhsecOf(65)), HasSubstr("holds 65 bytes"));
  EXPECT_THAT(ErrorOf("whsk_AAAA"), HasSubstr("holds 3 bytes; whsk_ holds 64, or 32"));
  EXPECT_THAT(ErrorOf("whpk_AAAA"), HasSubstr("holds 3 bytes; whpk_ holds 32"));
  EXPECT_EQ(ErrorOf(WhsecOf(24)), "");
  EXPECT_EQ(ErrorOf(WhsecOf(64)), "");
}

TEST(SignatureTest, APairWhoseHalvesDoNotBelongTogetherIsRefused) {
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(kPair + 5, &bytes));
  bytes[40] ^= 1;
  EXPECT_THAT(ErrorOf("whsk_" + absl::Base64Escape(bytes)), HasSubstr("do not belong together"));
}

TEST(SignatureTest, ErrorsShowNothingOfTheKey) {
  for (const char* text : {"hunter2", "whsec_hunter2!", "whsk_hunter2!", "whsec_hunter2"}) {
    EXPECT_THAT(ErrorOf(text), Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace tallybus::rest
