// The keys of the section `clients`.
#include "tallybusd/config/client_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"
#include "tallybusd/config/config_print.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kEveryKey[] =
    "clients:\n"
    "  auth: none\n"
    "  max: 7\n"
    "  queue_events: 8\n"
    "  queue_bytes: 16KiB\n"
    "  replay_events: 0\n"
    "  replay_bytes: 2MiB\n"
    "  allowed_origins: ['https://a.example', 'http://b.example:8080']\n"
    "  allowed_hosts: [a.example, 'b.example:8080', '[fd00::1]']\n";

TEST(ClientKeysTest, EveryKeyIsRead) {
  absl::StatusOr<Config> config = LoadText(kEveryKey);
  ASSERT_TRUE(config.ok()) << config.status();
  const Clients& clients = config->clients;
  EXPECT_EQ(clients.auth, ClientsAuth::kNone);
  EXPECT_EQ(clients.most, 7);
  EXPECT_EQ(clients.queue_events, 8);
  EXPECT_EQ(clients.queue_bytes, 16 << 10);
  EXPECT_EQ(clients.replay_events, 0);
  EXPECT_EQ(clients.replay_bytes, 2 << 20);
  EXPECT_THAT(clients.allowed_origins, ElementsAre("https://a.example", "http://b.example:8080"));
  EXPECT_THAT(clients.allowed_hosts, ElementsAre("a.example", "b.example:8080", "[fd00::1]"));
}

TEST(ClientKeysTest, WhatIsPrintedIsReadAsTheSame) {
  const std::string printed = Print(*LoadText(kEveryKey));
  absl::StatusOr<Config> again = LoadText(printed);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Print(*again), printed);
}

TEST(ClientKeysTest, ImpossibleValuesAreRefusedAtTheirPlace) {
  for (const char* text :
       {"max: 0", "max: 1000001", "queue_events: 0", "queue_bytes: 1B", "queue_bytes: 1024",
        "replay_events: -1", "replay_bytes: 0", "allowed_origins: a.example",
        "allowed_origins: [a.example]", "allowed_origins: ['https://a.example/']",
        "allowed_origins: ['*']", "allowed_hosts: ['*']", "allowed_hosts: ['https://a']",
        "allowed_hosts: ['']", "auth: nobody", "most: 5"}) {
    EXPECT_THAT(ErrorOf("clients: {" + std::string(text) + "}"), HasSubstr("t.yaml:1:")) << text;
  }
}

constexpr char kTokens[] =
    "clients:\n"
    "  auth: token\n"
    "  token:\n"
    "    hs256_secret_file: /etc/t/secret\n"
    "    ed25519_key_file: [/etc/t/a.pem, '/etc/t/b $$.pem']\n";

TEST(ClientKeysTest, KeysOfTokensAreOneFileOrSeveralAndPrintedAsTheSame) {
  absl::StatusOr<Config> config = LoadText(kTokens);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->clients.auth, ClientsAuth::kToken);
  EXPECT_THAT(config->clients.token.hs256_secret_files, ElementsAre("/etc/t/secret"));
  EXPECT_THAT(config->clients.token.ed25519_key_files,
              ElementsAre("/etc/t/a.pem", "/etc/t/b $.pem"));
  const std::string printed = Print(*config);
  absl::StatusOr<Config> again = LoadText(printed);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Print(*again), printed);
}

TEST(ClientKeysTest, KeysOfTokensAreAbsolutePaths) {
  for (const char* text : {"hs256_secret_file: secret", "ed25519_key_file: [a.pem]",
                           "ed25519_key_file: []", "hs256_secret_file: ''", "rs256: /x",
                           "hs256_secret_file: [/1, /2, /3, /4, /5, /6, /7, /8, /9]"}) {
    EXPECT_THAT(ErrorOf("clients: {auth: token, token: {" + std::string(text) + "}}"),
                HasSubstr("t.yaml:1:"))
        << text;
  }
}

TEST(ClientKeysTest, TokensNeedAKeyAndAKeyNeedsTokens) {
  EXPECT_THAT(ErrorOf("clients: {auth: token}"), HasSubstr("set clients.token.hs256_secret_file"));
  EXPECT_THAT(ErrorOf("clients: {token: {hs256_secret_file: /x}}"),
              HasSubstr("set clients.auth: token"));
}

TEST(ClientKeysTest, TheConnectHookIsOfALaterVersion) {
  EXPECT_THAT(ErrorOf("clients: {auth: connect}"), HasSubstr("not in this version yet"));
}

TEST(ClientKeysTest, WithoutAuthTheWebPortMustBeOnLoopback) {
  const std::string beyond = ErrorOf("listen: {web: '192.0.2.1:5580'}");
  EXPECT_THAT(beyond, HasSubstr("clients.auth: none"));
  EXPECT_THAT(beyond, HasSubstr("192.0.2.1:5580 is not on loopback"));
  EXPECT_THAT(beyond, HasSubstr("set clients.auth: token, or set listen.web to 127.0.0.1"));
  EXPECT_THAT(ErrorOf("listen: {web: '[::]:5580'}"), HasSubstr("not on loopback"));
  for (const char* host : {"127.0.0.1", "127.8.0.1", "'[::1]", "localhost"}) {
    const std::string quote = host[0] == '\'' ? "'" : "";
    EXPECT_TRUE(LoadText("listen: {web: " + std::string(host) + ":1" + quote + "}").ok()) << host;
  }
  EXPECT_TRUE(LoadText("listen: {web: off}").ok());
}

}  // namespace
}  // namespace tallybus::config
