// What a request shows of its sender, as it is written.
#include "tallybusd/config/credential_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<Credentials> LoadCredentials(const std::string& line, Environment environment = {}) {
  absl::StatusOr<Config> config = LoadText("apps:\n  a:\n    " + line, {}, environment);
  if (!config.ok()) return config.status();
  return config->apps.at("a").credentials;
}

std::string WrongWith(const std::string& line) {
  return std::string(LoadCredentials(line).status().message());
}

TEST(CredentialKeysTest, ThereAreNoneByDefault) {
  const auto credentials = LoadCredentials("timeout: 10s");
  ASSERT_TRUE(credentials.ok());
  EXPECT_TRUE(credentials->signing.empty());
  EXPECT_FALSE(credentials->username || credentials->password || credentials->bearer_token ||
               credentials->wcs_hash_key);
}

TEST(CredentialKeysTest, SigningIsAListOfKeysOfWhichSomeEnd) {
  const auto credentials = LoadCredentials(
      "signing: [{key: whsec_A}, {key: '${OLD}', until: 2026-12-31T12:00:00+01:00}]",
      {{"OLD", "whsk_B"}});
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  ASSERT_EQ(credentials->signing.size(), 2u);
  EXPECT_EQ(credentials->signing[0].key.text, "whsec_A");
  EXPECT_EQ(credentials->signing[0].until, absl::InfiniteFuture());
  EXPECT_EQ(credentials->signing[1].key.text, "whsk_B");
  EXPECT_EQ(credentials->signing[1].until, absl::FromUnixSeconds(1798714800));
  EXPECT_EQ(credentials->where.at("signing"), credentials->where.begin()->second);
  EXPECT_THAT(credentials->where.at("signing"), HasSubstr(":3:14: apps.a.signing"));
}

TEST(CredentialKeysTest, WhatIsNoSuchListIsRefused) {
  EXPECT_THAT(WrongWith("signing: whsec_A"), HasSubstr("must be a list of keys"));
  EXPECT_THAT(WrongWith("signing: []"), HasSubstr("lists no key"));
  EXPECT_THAT(WrongWith("signing: [{secret: x}]"),
              HasSubstr("signing[0].secret: unknown key; known: key, until"));
  EXPECT_THAT(WrongWith("signing: [{key: x, until: tomorrow}]"),
              HasSubstr("signing[0].until: needs a time, such as 2026-12-31T00:00:00Z"));
}

TEST(CredentialKeysTest, ASecretMayStandInAFile) {
  const ScratchDirectory directory;
  const std::string file = directory.path() + "/secret";
  for (const char* text : {"hunter2", "hunter2\n", "hunter2\r\n"}) {
    std::ofstream(file, std::ios::binary) << text;
    const auto credentials = LoadCredentials("wcs_hash_key: file:" + file);
    ASSERT_TRUE(credentials.ok()) << credentials.status();
    EXPECT_EQ(credentials->wcs_hash_key->text, "hunter2");
    EXPECT_EQ(credentials->wcs_hash_key->file, file);
  }
}

TEST(CredentialKeysTest, AFileThatIsNoSecretIsRefusedAndNotShown) {
  const ScratchDirectory directory;
  const std::string file = directory.path() + "/secret";
  EXPECT_EQ(WrongWith("password: file:/nowhere/secret"),
            "t.yaml:3:15: apps.a.password: its file cannot be read");
  EXPECT_THAT(WrongWith("password: file:" + directory.path()), HasSubstr("cannot be read"));
  std::ofstream(file) << std::string(20000, 'x');
  EXPECT_THAT(WrongWith("password: file:" + file), HasSubstr("is larger than any secret"));
  EXPECT_THAT(WrongWith("password: file:" + file), Not(HasSubstr("xxx")));
}

TEST(CredentialKeysTest, EachKeyIsKeptWithItsPlace) {
  const auto credentials =
      LoadCredentials("{username: u, password: p, bearer_token: t, wcs_hash_key: k}");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->username, "u");
  EXPECT_EQ(credentials->password->text, "p");
  EXPECT_EQ(credentials->bearer_token->text, "t");
  EXPECT_EQ(credentials->wcs_hash_key->text, "k");
  for (const char* key : {"username", "password", "bearer_token", "wcs_hash_key"}) {
    EXPECT_THAT(credentials->where.at(key), HasSubstr(std::string("apps.a.") + key));
  }
}

}  // namespace
}  // namespace tallybus::config
