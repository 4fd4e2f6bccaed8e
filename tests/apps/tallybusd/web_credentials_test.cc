// Keys come from files, and change with them.
#include "apps/tallybusd/web_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/support/scratch_directory.h"
#include "tests/transports/web/test_tokens.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using testing::Hs256;
using ::testing::IsEmpty;
using testing::kSecret;
using ::testing::Not;

constexpr char kGood[] = R"({"session":"s1","exp":4000000000})";

class WebCredentialsTest : public ::testing::Test {
 protected:
  WebCredentialsTest() {
    Write("secret", std::string(kSecret) + "\n");
    config_.clients.auth = config::ClientsAuth::kToken;
    config_.clients.token.hs256_secret_files = {Path("secret")};
  }
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  // As a careful operator does: the file is there whole, or not at all.
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path("new"), std::ios::binary) << text;
    std::rename(Path("new").c_str(), Path(name).c_str());
  }
  std::string Wrong() {
    const absl::Status status = WebCredentials::Check(config_);
    EXPECT_EQ(Load().status(), status);
    return std::string(status.message());
  }
  absl::StatusOr<std::unique_ptr<WebCredentials>> Load() {
    return WebCredentials::Load(config_, clock_, metrics_, log_);
  }
  void WaitTenSeconds(WebCredentials& credentials) {
    clock_.Advance(absl::Seconds(10));
    credentials.Tick();
  }

  const testing::ScratchDirectory directory_;
  testing::ManualClock clock_;
  testing::RecordingLog log_;
  Metrics metrics_;
  config::Config config_;
  const std::string other_ = std::string(40, 'o');
};

TEST_F(WebCredentialsTest, ASecretIsItsFileWithoutTheLineEnd) {
  auto credentials = Load();
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_TRUE((*credentials)->authorize()(Hs256(kGood)).ok());
  EXPECT_FALSE((*credentials)->authorize()(Hs256(kGood, other_)).ok());
}

TEST_F(WebCredentialsTest, WithoutKeysNoTokenIsAskedFor) {
  config_ = {};
  EXPECT_EQ((*Load())->authorize(), nullptr);
  EXPECT_TRUE(WebCredentials::Check(config_).ok());
}

TEST_F(WebCredentialsTest, AFileThatIsWrongIsNamedWithItsKeyAndNothingOfIt) {
  Write("short", "hunter2");
  config_.clients.token.hs256_secret_files.push_back(Path("short"));
  EXPECT_THAT(Wrong(), HasSubstr("clients.token.hs256_secret_file: " + Path("short") + ": an HS2"));
  EXPECT_THAT(Wrong(), Not(HasSubstr("hunter2")));
  config_.clients.token = {.ed25519_key_files = {Path("secret")}};
  EXPECT_THAT(Wrong(),
              HasSubstr("clients.token.ed25519_key_file: " + Path("secret") + ": is no E"));
  config_.clients.token.ed25519_key_files = {Path("none")};
  EXPECT_THAT(Wrong(), HasSubstr(Path("none") + ": cannot be read"));
  config_.clients.token.ed25519_key_files = {directory_.path()};
  EXPECT_THAT(Wrong(), HasSubstr("cannot be read"));
  Write("large", std::string(1 << 20, 'x'));
  config_.clients.token.ed25519_key_files = {Path("large")};
  EXPECT_THAT(Wrong(), HasSubstr("larger than any key"));
}

TEST_F(WebCredentialsTest, AFileThatChangesCountsWithinTenSeconds) {
  const auto credentials = *Load();
  const Authorize authorize = credentials->authorize();
  WaitTenSeconds(*credentials);
  EXPECT_THAT(log_.lines(), IsEmpty()) << "nothing has changed";
  Write("secret", other_);
  credentials->Tick();
  EXPECT_TRUE(authorize(Hs256(kGood)).ok()) << "it looks now and then";
  WaitTenSeconds(*credentials);
  EXPECT_FALSE(authorize(Hs256(kGood)).ok());
  EXPECT_TRUE(authorize(Hs256(kGood, other_)).ok());
}

TEST_F(WebCredentialsTest, AFileThatBecomesWrongChangesNothingAndIsToldOnce) {
  const auto credentials = *Load();
  Write("secret", "hunter2");
  for (int i = 0; i < 3; ++i) WaitTenSeconds(*credentials);
  EXPECT_TRUE(credentials->authorize()(Hs256(kGood)).ok());
  ASSERT_EQ(log_.lines().size(), 1u);
  EXPECT_THAT(log_.lines()[0], HasSubstr("stay as they were: clients.token.hs256_secret_file: "));
  EXPECT_THAT(log_.lines()[0], Not(HasSubstr("hunter2")));
  Write("secret", other_);
  credentials->Reload();
  EXPECT_TRUE(credentials->authorize()(Hs256(kGood, other_)).ok()) << "at once";
}

}  // namespace
}  // namespace tallybus
