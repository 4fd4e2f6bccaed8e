// The keys below `api`, and the secret's file.
#include "tallybusd/config/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "load_text.h"
#include "tallybusd/config/config_print.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "0123456789abcdef";

class ApiKeysTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = scratch.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  ScratchDirectory scratch;
};

TEST_F(ApiKeysTest, ASecretsFileIsReadAndItsContentNeverPrinted) {
  const std::string file = Write("secret", std::string(kSecret) + "\n");
  const auto config = LoadText("api: {token_file: " + file + "}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(ReadApiToken(config->api.token_file).value_or(""), kSecret);
  EXPECT_THAT(Print(*config), HasSubstr("token_file: " + file));
  EXPECT_THAT(Print(*config), Not(HasSubstr(kSecret)));
}

TEST_F(ApiKeysTest, AnImpossibleSecretIsToldAtItsPlace) {
  for (const auto& [name, text] : {std::pair("short", "0123456789abcde"),
                                   {"empty", ""},
                                   {"two", "0123456789 abcdef"},
                                   {"binary", "0123456789abc\001ef"}}) {
    const absl::Status status = LoadText("api:\n  token_file: " + Write(name, text)).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("t.yaml:2:15: api.token_file")) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("openssl rand -hex 32")) << name;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("012345"))) << name;
  }
  EXPECT_FALSE(ReadApiToken(Write("long", std::string(4097, 'x'))).ok());
  EXPECT_TRUE(ReadApiToken(Write("longest", std::string(4096, 'x') + "\n")).ok());
  EXPECT_THAT(std::string(LoadText("api: {token_file: /nowhere/x}").status().message()),
              HasSubstr("cannot be read"));
  EXPECT_THAT(std::string(LoadText("api: {token_file: secret}").status().message()),
              HasSubstr("absolute path"));
}

TEST_F(ApiKeysTest, WithoutASecretTheApiIsServedOnLoopbackAlone) {
  const auto serves = [](const std::string& host, const std::string& file) {
    Listen listen;
    listen.web = SocketAddress{host, 5580};
    return ServesApi({file}, listen, {});
  };
  EXPECT_TRUE(serves("127.0.0.1", ""));
  EXPECT_TRUE(serves("::1", ""));
  EXPECT_FALSE(serves("0.0.0.0", ""));
  EXPECT_FALSE(serves("::", ""));
  EXPECT_FALSE(serves("192.0.2.7", ""));
  EXPECT_TRUE(serves("0.0.0.0", "/etc/tallybus/secret"));
  Listen off;
  off.web.reset();
  EXPECT_FALSE(ServesApi({"/etc/tallybus/secret"}, off, {}));
}

// A proxy on this machine that is set up for web clients may let strangers through to all paths.
TEST_F(ApiKeysTest, WhereWebClientsComeFromElsewhereTheApiNeedsASecret) {
  const Listen loopback;
  Clients with_tokens, with_hosts, with_origins;
  with_tokens.auth = ClientsAuth::kToken;
  with_hosts.allowed_hosts = {"media.example.org"};
  with_origins.allowed_origins = {"https://media.example.org"};
  EXPECT_TRUE(ServesApi({""}, loopback, {}));
  for (const Clients& clients : {with_tokens, with_hosts, with_origins}) {
    EXPECT_FALSE(ServesApi({""}, loopback, clients));
    EXPECT_TRUE(ServesApi({"/etc/tallybus/secret"}, loopback, clients));
  }
}

}  // namespace
}  // namespace tallybus::config
