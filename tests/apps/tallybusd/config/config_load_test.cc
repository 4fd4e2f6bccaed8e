// From the file to the configuration: defaults, the keys outside of apps, and files that are none.
#include "tallybusd/config/config_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ConfigLoadTest, EmptyFileGivesTheDefaults) {
  absl::StatusOr<Config> config = LoadText("# nothing yet\n");
  ASSERT_TRUE(config.ok()) << config.status();
  char host[256] = {};
  ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
  EXPECT_EQ(config->node.name, host);
  EXPECT_EQ(config->listen.engine, "ipc:///run/tallybus/engine.sock");
  EXPECT_EQ(config->listen.open, "tcp://127.0.0.1:5581");
  EXPECT_EQ(config->listen.clients, "tcp://127.0.0.1:5582");
  ASSERT_TRUE(config->listen.web);
  EXPECT_EQ(config->listen.web->ToString(), "127.0.0.1:5580");
  EXPECT_EQ(config->spool.path, "memory");
  EXPECT_EQ(config->spool.max_bytes, int64_t{64} << 20);
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

TEST(ConfigLoadTest, NoFileGivesTheDefaultsToo) {
  LoadOptions options;
  options.getenv = Lookup({{"RUNTIME_DIRECTORY", "/run/x"}});
  absl::StatusOr<Config> config = Load(options);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen.engine, "ipc:///run/x/engine.sock");
  EXPECT_TRUE(config->default_app_used);
}

TEST(ConfigLoadTest, WithoutAppsTheDefaultAppIsUsedAndSaysSo) {
  for (const char* text : {"", "apps:\n", "apps: {}"}) {
    absl::StatusOr<Config> config = LoadText(text);
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_TRUE(config->default_app_used);
    ASSERT_EQ(config->apps.size(), 1u);
    EXPECT_EQ(config->apps.at("defaultApp").key, "defaultApp");
    EXPECT_EQ(config->apps.at("defaultApp").url, "http://127.0.0.1:8081/apps/EchoApp");
  }
  EXPECT_FALSE(LoadText("apps: {a: {}}")->default_app_used);
}

TEST(ConfigLoadTest, EveryKeyOutsideOfAppsIsRead) {
  absl::StatusOr<Config> config = LoadText(
      "node: {name: media-07}\n"
      "listen:\n"
      "  engine: ipc:///tmp/e.sock\n"
      "  open: off\n"
      "  clients: tcp://127.0.0.1:*\n"
      "  web: '[::1]:0'\n"
      "spool: {path: memory, max_size: 1GiB}\n"
      "log: {level: debug}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node.name, "media-07");
  EXPECT_EQ(config->listen.engine, "ipc:///tmp/e.sock");
  EXPECT_EQ(config->listen.open, std::nullopt);
  EXPECT_EQ(config->listen.clients, "tcp://127.0.0.1:0");
  EXPECT_EQ(config->listen.web->ToString(), "[::1]:0");
  EXPECT_EQ(config->spool.max_bytes, int64_t{1} << 30);
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
}

TEST(ConfigLoadTest, EveryListenerCanBeSwitchedOff) {
  absl::StatusOr<Config> config =
      LoadText("listen: {engine: off, open: off, clients: off, web: off}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->listen.engine || config->listen.open || config->listen.clients);
  EXPECT_FALSE(config->listen.web);
}

TEST(ConfigLoadTest, ErrorIsOneLineWithFileLineColumnAndPath) {
  EXPECT_EQ(ErrorOf("apps:\n  defaultApp:\n    timeot: 3s\n"),
            "t.yaml:3:5: apps.defaultApp.timeot: unknown key; did you mean \"timeout\"?");
}

TEST(ConfigLoadTest, FirstErrorOfTheFileIsTheOneReported) {
  EXPECT_THAT(ErrorOf("log: {level: loud}\nnode: {nam: x}\n"),
              StartsWith("t.yaml:1:14: log.level"));
  EXPECT_THAT(ErrorOf("node: {nam: x}\nlog: {level: loud}\n"), StartsWith("t.yaml:1:8: node.nam"));
}

TEST(ConfigLoadTest, AddressBeyondLoopbackIsRefusedAtItsPlace) {
  absl::StatusOr<Config> config = LoadText("listen:\n  open: tcp://0.0.0.0:5581\n");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(
      ErrorOf("listen:\n  open: tcp://0.0.0.0:5581\n"),
      StartsWith("t.yaml:2:9: listen.open: not in this version yet: sockets beyond loopback"));
  EXPECT_THAT(ErrorOf("listen: {web: 'media.example:5580'}"),
              HasSubstr("listen.web: not in this version yet: sockets beyond loopback"));
}

TEST(ConfigLoadTest, KeysOfLaterVersionsAreRefusedNotIgnored) {
  for (const char* text :
       {"routes: []", "engines: {}", "clients: {}", "plugins: []", "tests: {}", "session_ttl: 1h",
        "listen: {admin: x}", "listen: {curve: x}", "spool: {sync: commit}", "spool: {retain: 0}",
        "spool: {path: /var/lib/tallybus}", "log: {format: json}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr(": not in this version yet")) << text;
    EXPECT_EQ(LoadText(text).status().code(), absl::StatusCode::kUnimplemented) << text;
  }
}

TEST(ConfigLoadTest, ImpossibleValuesAreRefused) {
  for (const char* text : {"node: {name: ''}", "spool: {max_size: 64}", "spool: {max_size: 1KiB}",
                           "log: {level: trace}", "log: info", "listen: {web: on}",
                           "listen: {engine: ''}", "- a", "text"}) {
    EXPECT_EQ(LoadText(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(ErrorOf(text), AllOf(StartsWith("t.yaml:1:"), Not(HasSubstr("\n")))) << text;
  }
}

TEST(ConfigLoadTest, VariablesComeFromTheEnvironment) {
  absl::StatusOr<Config> config = LoadText("node: {name: \"${HOST}-1\"}", {}, {{"HOST", "m"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node.name, "m-1");
  EXPECT_THAT(ErrorOf("node:\n  name: ${HOST}\n"),
              StartsWith("t.yaml:2:9: node.name: the environment variable HOST is not set"));
}

TEST(ConfigLoadTest, EngineSocketByDefaultMustFitIntoItsAddress) {
  LoadOptions options;
  options.getenv = Lookup({{"RUNTIME_DIRECTORY", "/" + std::string(120, 'x')}});
  EXPECT_THAT(std::string(Load(options).status().message()),
              AllOf(StartsWith("listen.engine, by default"), HasSubstr("this one has 133")));
  options.sets = {"listen.engine=off"};
  EXPECT_TRUE(Load(options).ok());
}

TEST(ConfigLoadTest, FileThatCannotBeReadIsNamedWithTheReason) {
  LoadOptions options;
  options.file = "/nonexistent/t.yaml";
  EXPECT_EQ(Load(options).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(Load(options).status().message()),
            "/nonexistent/t.yaml: cannot be read: No such file or directory");
  options.file = "/tmp";
  EXPECT_EQ(std::string(Load(options).status().message()), "/tmp: cannot be read: Is a directory");
}

TEST(ConfigLoadTest, FileLargerThanAnyConfigurationIsRefused) {
  const std::string text(kMaxFileBytes, '#');
  EXPECT_EQ(ErrorOf(text), "");
  EXPECT_THAT(ErrorOf(text + "#"), StartsWith("t.yaml: larger than 1048576 bytes"));
}

}  // namespace
}  // namespace tallybus::config
