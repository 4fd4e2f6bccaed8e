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
  EXPECT_EQ(config->spool.path, "/var/lib/tallybus");
  EXPECT_FALSE(config->spool.InMemory());
  EXPECT_EQ(config->spool.sync, Sync::kCommit);
  EXPECT_EQ(config->spool.max_bytes, int64_t{4} << 30);
  EXPECT_EQ(config->spool.retain, absl::ZeroDuration());
  EXPECT_EQ(config->spool.dead_letter_age, absl::Hours(336));
  EXPECT_EQ(config->spool.dead_letter_bytes, int64_t{256} << 20);
  EXPECT_EQ(config->engines.grace, absl::Seconds(30));
  EXPECT_EQ(config->engines.on_lost, OnLost::kFailStreams);
  EXPECT_TRUE(config->routes.empty());
  EXPECT_EQ(config->listen.admin, "unix:/run/tallybus/admin.sock");
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

TEST(ConfigLoadTest, NoFileGivesTheDefaultsToo) {
  LoadOptions options;
  options.getenv = Lookup({{"RUNTIME_DIRECTORY", "/run/x"}});
  absl::StatusOr<Config> config = Load(options);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen.engine, "ipc:///run/x/engine.sock");
  EXPECT_EQ(config->listen.admin, "unix:/run/x/admin.sock");
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

TEST(ConfigLoadTest, EveryKeyOutsideOfAppsAndRoutesIsRead) {
  absl::StatusOr<Config> config = LoadText(
      "node: {name: media-07}\n"
      "listen:\n"
      "  engine: ipc:///tmp/e.sock\n"
      "  open: off\n"
      "  clients: tcp://127.0.0.1:*\n"
      "  web: '[::1]:0'\n"
      "  admin: unix:/tmp/a.sock\n"
      "spool:\n"
      "  path: /data/spool/\n"
      "  sync: interval\n"
      "  max_size: 1GiB\n"
      "  retain: 2d\n"
      "  dead_letter_age: 36h\n"
      "  dead_letter_size: 1MiB\n"
      "engines: {grace: 5s, on_lost: nothing}\n"
      "log: {level: debug}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node.name, "media-07");
  EXPECT_EQ(config->listen.engine, "ipc:///tmp/e.sock");
  EXPECT_EQ(config->listen.open, std::nullopt);
  EXPECT_EQ(config->listen.clients, "tcp://127.0.0.1:0");
  EXPECT_EQ(config->listen.web->ToString(), "[::1]:0");
  EXPECT_EQ(config->listen.admin, "unix:/tmp/a.sock");
  EXPECT_EQ(config->spool.path, "/data/spool");
  EXPECT_EQ(config->spool.sync, Sync::kInterval);
  EXPECT_EQ(config->spool.max_bytes, int64_t{1} << 30);
  EXPECT_EQ(config->spool.retain, absl::Hours(48));
  EXPECT_EQ(config->spool.dead_letter_age, absl::Hours(36));
  EXPECT_EQ(config->spool.dead_letter_bytes, int64_t{1} << 20);
  EXPECT_EQ(config->engines.grace, absl::Seconds(5));
  EXPECT_EQ(config->engines.on_lost, OnLost::kNothing);
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
}

TEST(ConfigLoadTest, EveryListenerCanBeSwitchedOff) {
  absl::StatusOr<Config> config =
      LoadText("listen: {engine: off, open: off, clients: off, web: off, admin: off}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->listen.engine || config->listen.open || config->listen.clients);
  EXPECT_FALSE(config->listen.web || config->listen.admin);
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
      StartsWith("t.yaml:2:9: listen.open: not in this version yet: buses beyond loopback"));
  EXPECT_THAT(ErrorOf("listen: {web: 'media.example:5580'}"),
              HasSubstr("listen.web: needs an address in digits"));
}

TEST(ConfigLoadTest, KeysOfLaterVersionsAreRefusedNotIgnored) {
  for (const char* text : {"listen: {curve: x}", "log: {format: json}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr(": not in this version yet")) << text;
    EXPECT_EQ(LoadText(text).status().code(), absl::StatusCode::kUnimplemented) << text;
  }
}

TEST(ConfigLoadTest, ImpossibleValuesAreRefused) {
  for (const char* text : {"node: {name: ''}",
                           "spool: {max_size: 64}",
                           "spool: {max_size: 1KiB}",
                           "spool: {max_size: 0}",
                           "spool: {sync: fsync}",
                           "spool: {path: ''}",
                           "spool: {path: [/a]}",
                           "spool: {retain: 31d}",
                           "spool: {retain: 5}",
                           "spool: {dead_letter_age: 0}",
                           "spool: {dead_letter_age: 366d}",
                           "spool: {dead_letter_size: 1KiB}",
                           "engines: {grace: 0}",
                           "engines: {grace: 2h}",
                           "session_ttl: 1s",
                           "session_ttl: 5",
                           "engines: {on_lost: ignore}",
                           "engines: 30s",
                           "log: {level: trace}",
                           "log: info",
                           "listen: {web: on}",
                           "listen: {engine: ''}",
                           "- a",
                           "text"}) {
    EXPECT_EQ(LoadText(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(ErrorOf(text), AllOf(StartsWith("t.yaml:1:"), Not(HasSubstr("\n")))) << text;
  }
}

TEST(ConfigLoadTest, SpoolLiesInTheStateDirectoryUnlessTheCallerHasAnotherDefault) {
  LoadOptions options;
  options.getenv = Lookup({{"STATE_DIRECTORY", "/var/lib/x"}});
  options.default_engine_endpoint = "ipc:///e";
  EXPECT_EQ(Load(options)->spool.path, "/var/lib/x");
  options.default_spool_path = kMemorySpool;
  EXPECT_TRUE(Load(options)->spool.InMemory());
  options.sets = {"spool.path=/data"};
  EXPECT_EQ(Load(options)->spool.path, "/data");
}

TEST(ConfigLoadTest, SpoolHoldsMoreOnDiskThanInMemoryUnlessItsSizeIsWritten) {
  EXPECT_EQ(LoadText("spool: {path: /data}")->spool.max_bytes, int64_t{4} << 30);
  EXPECT_EQ(LoadText("spool: {path: memory}")->spool.max_bytes, int64_t{64} << 20);
  EXPECT_EQ(LoadText("spool: {max_size: 1MiB, path: memory}")->spool.max_bytes, int64_t{1} << 20);
}

TEST(ConfigLoadTest, RelativeSpoolPathIsRefusedWithTheAbsoluteOneThatItWouldBe) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(ErrorOf("spool: {path: ./var//spool}"),
            "t.yaml:1:15: spool.path: must be memory, or an absolute path; did you mean " + here +
                "/var/spool?");
  EXPECT_THAT(ErrorOf("spool: {path: memory/}"), HasSubstr(here + "/memory/?"));
  EXPECT_THAT(ErrorOf("spool: {path: /" + std::string(480, 'x') + "}"),
              HasSubstr("spool.path: must have at most 480 bytes; this one has 481"));
}

TEST(ConfigLoadTest, StateDirectoryWithANameTooLongIsNamedAsTheDefault) {
  EXPECT_THAT(ErrorOf("", {}, {{"STATE_DIRECTORY", "/" + std::string(480, 'x')}}),
              AllOf(StartsWith("spool.path, by default /xxx"), HasSubstr("this one has 481")));
}

TEST(ConfigLoadTest, RetainOfZeroNeedsNoUnit) {
  EXPECT_EQ(LoadText("spool: {retain: 0}")->spool.retain, absl::ZeroDuration());
  EXPECT_EQ(LoadText("spool: {retain: 0s}")->spool.retain, absl::ZeroDuration());
  EXPECT_EQ(LoadText("spool: {retain: 30d}")->spool.retain, absl::Hours(720));
  EXPECT_EQ(ErrorOf("spool: {retain: 31d}"), "t.yaml:1:17: spool.retain: must be from 0 to 30d");
}

TEST(ConfigLoadTest, WordsAreOnlyThoseThatAreKnown) {
  EXPECT_EQ(ErrorOf("spool: {sync: comit}"),
            "t.yaml:1:15: spool.sync: unknown word; did you mean \"commit\"?");
  EXPECT_EQ(LoadText("spool: {sync: off}")->spool.sync, Sync::kOff);
  EXPECT_EQ(LoadText("spool: {sync: commit}")->spool.sync, Sync::kCommit);
  EXPECT_EQ(ErrorOf("engines: {on_lost: fail_stream}"),
            "t.yaml:1:20: engines.on_lost: unknown word; did you mean \"fail_streams\"?");
  EXPECT_EQ(ErrorOf("engines: {grase: 5s}"),
            "t.yaml:1:11: engines.grase: unknown key; did you mean \"grace\"?");
}

TEST(ConfigLoadTest, QuotaOfMoreThanTheSpoolIsRefusedWhereverTheSizesAreWritten) {
  EXPECT_EQ(ErrorOf("apps:\n  a: {quota: 3MiB}\nspool: {max_size: 2MiB}\n"),
            "t.yaml:2:14: apps.a.quota: is more than the whole spool, whose max_size is 2MiB");
  EXPECT_EQ(ErrorOf("routes: [{name: r, endpoints: [http://h/], quota: 65MiB}]\n"
                    "spool: {path: memory}\n"),
            "t.yaml:1:51: routes[0].quota: is more than the whole spool, whose max_size is 64MiB");
  EXPECT_EQ(ErrorOf("spool: {path: memory}\napps: {a: {quota: 64MiB}, b: {quota: 100%}}\n"), "");
}

TEST(ConfigLoadTest, VariablesComeFromTheEnvironment) {
  absl::StatusOr<Config> config = LoadText("node: {name: \"${HOST}-1\"}", {}, {{"HOST", "m"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node.name, "m-1");
  EXPECT_THAT(ErrorOf("node:\n  name: ${HOST}\n"),
              StartsWith("t.yaml:2:9: node.name: the environment variable HOST is not set"));
}

TEST(ConfigLoadTest, SocketByDefaultMustFitIntoItsAddress) {
  LoadOptions options;
  options.getenv = Lookup({{"RUNTIME_DIRECTORY", "/" + std::string(120, 'x')}});
  EXPECT_THAT(std::string(Load(options).status().message()),
              AllOf(StartsWith("listen.engine, by default"), HasSubstr("this one has 133")));
  options.sets = {"listen.engine=off"};
  EXPECT_THAT(std::string(Load(options).status().message()),
              AllOf(StartsWith("listen.admin, by default"), HasSubstr("this one has 132")));
  options.sets = {"listen.engine=off", "listen.admin=off"};
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
