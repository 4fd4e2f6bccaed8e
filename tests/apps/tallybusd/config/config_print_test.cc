// The effective values as a file.
#include "tallybusd/config/config_print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ConfigPrintTest, EveryKeyIsPrintedWithItsDefault) {
  absl::StatusOr<Config> config = LoadText("node: {name: media-07}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(Print(*config),
            "node:\n"
            "  name: media-07\n"
            "listen:\n"
            "  engine: ipc:///run/tallybus/engine.sock\n"
            "  open: tcp://127.0.0.1:5581\n"
            "  clients: tcp://127.0.0.1:5582\n"
            "  web: 127.0.0.1:5580\n"
            "spool:\n"
            "  path: memory\n"
            "  max_size: 64MiB\n"
            "log:\n"
            "  level: info\n"
            "apps:\n"
            "  defaultApp:\n"
            "    url: http://127.0.0.1:8081/apps/EchoApp\n"
            "    methods: all\n"
            "    delivery: notify\n"
            "    retry: live\n"
            "    timeout: 10s\n"
            "    max_connections: 128\n"
            "    success: 2xx\n"
            "    network: private\n"
            "    allow_cidrs: []\n"
            "    tls:\n"
            "      ca_file: \"\"\n"
            "    rest_client_config: {}\n");
}

// Every value differs from its default, so that none can come back by chance.
constexpr char kEverything[] = R"(
node: {name: "Kamera 7: \"é\" #1 $$x \\"}
listen: {engine: off, open: "tcp://[::1]:*", clients: ipc:///tmp/c.sock, web: "[::1]:0"}
spool: {path: memory, max_size: 10MB}
log: {level: error}
apps:
  "null":
    url: off
  "live.example: [x]":
    url: "https://h/p?a=${X}&b={c}"
    methods: [StreamStatusEvent, X.y-z]
    retry: none
    timeout: 1500ms
    max_connections: 7
    success: 200
    network: public
    allow_cidrs: [10.0.0.0/8, "fd00::/8"]
    tls: {ca_file: "/etc/my ca.pem"}
    rest_client_config:
      StreamStatusEvent: {clientExclude: "a,b", restExclude: sdp, restOnError: FAIL}
      CallStatusEvent: {restPolicy: DISABLED}
)";

TEST(ConfigPrintTest, PrintedConfigurationLoadsAsTheSame) {
  absl::StatusOr<Config> first = LoadText(kEverything, {}, {{"X", "$1"}});
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string printed = Print(*first);
  absl::StatusOr<Config> second = LoadText(printed);
  ASSERT_TRUE(second.ok()) << second.status() << "\n" << printed;
  EXPECT_EQ(Print(*second), printed);

  EXPECT_EQ(second->node.name, "Kamera 7: \"é\" #1 $x \\");
  EXPECT_EQ(second->listen.engine, std::nullopt);
  EXPECT_EQ(second->listen.open, "tcp://[::1]:0");
  EXPECT_EQ(second->listen.clients, "ipc:///tmp/c.sock");
  EXPECT_EQ(second->listen.web->ToString(), "[::1]:0");
  EXPECT_EQ(second->spool.max_bytes, 10'000'000);
  EXPECT_EQ(second->log_level, LogLevel::kError);
  ASSERT_EQ(second->apps.size(), 2u);
  EXPECT_EQ(second->apps.at("null").url, std::nullopt);
  const App& app = second->apps.at("live.example: [x]");
  EXPECT_EQ(app.url, "https://h/p?a=$1&b={c}");
  EXPECT_THAT(app.methods, ElementsAre("StreamStatusEvent", "X.y-z"));
  EXPECT_EQ(app.retry, Retry::kNone);
  EXPECT_EQ(app.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(app.max_connections, 7);
  EXPECT_TRUE(app.strict_success);
  EXPECT_EQ(app.network, Network::kPublic);
  EXPECT_THAT(app.allow_cidrs, ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(app.ca_file, "/etc/my ca.pem");
  const MethodPolicy& policy = app.rest_client_config->For("StreamStatusEvent");
  EXPECT_THAT(*policy.client_exclude, ElementsAre("a", "b"));
  EXPECT_THAT(*policy.rest_exclude, ElementsAre("sdp"));
  EXPECT_EQ(policy.on_error, OnError::kFail);
  EXPECT_EQ(app.rest_client_config->For("CallStatusEvent").rest_policy, RestPolicy::kDisable);
}

TEST(ConfigPrintTest, DefaultsLoadAsTheSame) {
  absl::StatusOr<Config> first = LoadText("");
  ASSERT_TRUE(first.ok()) << first.status();
  absl::StatusOr<Config> second = LoadText(Print(*first));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Print(*second), Print(*first));
}

}  // namespace
}  // namespace tallybus::config
