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
    "  ping_interval: 5s\n"
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
  EXPECT_EQ(clients.ping_interval, absl::Seconds(5));
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
        "replay_events: -1", "replay_bytes: 0", "ping_interval: 0", "ping_interval: 31s",
        "allowed_origins: a.example", "allowed_origins: [a.example]",
        "allowed_origins: ['https://a.example/']", "allowed_origins: ['*']", "allowed_hosts: ['*']",
        "allowed_hosts: ['https://a']", "allowed_hosts: ['']", "auth: nobody", "most: 5"}) {
    EXPECT_THAT(ErrorOf("clients: {" + std::string(text) + "}"), HasSubstr("t.yaml:1:")) << text;
  }
}

TEST(ClientKeysTest, TokensAndTheConnectHookAreOfALaterVersion) {
  for (const char* text : {"clients: {auth: token}", "clients: {auth: connect}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("not in this version yet")) << text;
  }
}

TEST(ClientKeysTest, WithoutAuthTheWebPortMustBeOnLoopback) {
  Listen listen;
  listen.web = SocketAddress{"192.0.2.1", 5580};
  const absl::Status beyond = CheckClientsAuth({}, listen);
  EXPECT_EQ(beyond.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(beyond.message()), HasSubstr("clients.auth"));
  EXPECT_THAT(std::string(beyond.message()), HasSubstr("set listen.web to 127.0.0.1"));
  for (const char* host : {"127.0.0.1", "127.8.0.1", "::1"}) {
    listen.web->host = host;
    EXPECT_TRUE(CheckClientsAuth({}, listen).ok()) << host;
  }
  listen.web.reset();
  EXPECT_TRUE(CheckClientsAuth({}, listen).ok());
}

}  // namespace
}  // namespace tallybus::config
