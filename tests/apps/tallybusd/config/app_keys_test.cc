// The keys of an app.
#include "tallybusd/config/app_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Loads one app with these lines, each "key: value".
absl::StatusOr<App> LoadApp(const std::string& lines) {
  absl::StatusOr<Config> config =
      LoadText("apps:\n  a:\n    " + absl::StrReplaceAll(lines, {{"\n", "\n    "}}));
  if (!config.ok()) return config.status();
  return config->apps.at("a");
}
std::string AppError(const std::string& lines) {
  return std::string(LoadApp(lines).status().message());
}

TEST(AppKeysTest, AppWithoutKeysHasNoBackendAndTheDefaults) {
  absl::StatusOr<Config> config = LoadText("apps: {a: }");
  ASSERT_TRUE(config.ok()) << config.status();
  const App& app = config->apps.at("a");
  EXPECT_EQ(app.key, "a");
  EXPECT_EQ(app.url, std::nullopt);
  EXPECT_THAT(app.methods, IsEmpty());
  EXPECT_EQ(app.retry, Retry::kLive);
  EXPECT_EQ(app.timeout, absl::Seconds(10));
  EXPECT_EQ(app.max_connections, 128);
  EXPECT_FALSE(app.strict_success);
  EXPECT_EQ(app.network, Network::kPrivate);
  EXPECT_THAT(app.allow_cidrs, IsEmpty());
  EXPECT_EQ(app.ca_file, "");
  EXPECT_EQ(app.delivery, Delivery::kNotify);
  EXPECT_EQ(app.stale_after, std::nullopt);
  ASSERT_NE(app.rest_client_config, nullptr);
  EXPECT_EQ(app.rest_client_config->For("StreamStatusEvent").on_error, OnError::kLog);
}

TEST(AppKeysTest, EveryKeyIsRead) {
  absl::StatusOr<App> app = LoadApp(
      "url: https://backend.example/hooks?x=1\n"
      "methods: [StreamStatusEvent, ConnectionStatusEvent]\n"
      "delivery: guaranteed\n"
      "retry: none\n"
      "timeout: 2500ms\n"
      "max_connections: 16\n"
      "success: 200\n"
      "network: public\n"
      "allow_cidrs: [10.0.0.0/8, \"fd00::/8\"]\n"
      "tls: {ca_file: /etc/ca.pem}\n"
      "stale_after: 1m\n"
      "rest_client_config:\n"
      "  StreamStatusEvent: {restOnError: FAIL, restExclude: sdp, clientExclude: ''}\n"
      "  CallStatusEvent: {restPolicy: DISABLE}");
  ASSERT_TRUE(app.ok()) << app.status();
  EXPECT_EQ(app->url, "https://backend.example/hooks?x=1");
  EXPECT_THAT(app->methods, ElementsAre("StreamStatusEvent", "ConnectionStatusEvent"));
  EXPECT_EQ(app->delivery, Delivery::kGuaranteed);
  EXPECT_EQ(app->retry, Retry::kNone);
  EXPECT_EQ(app->timeout, absl::Milliseconds(2500));
  EXPECT_EQ(app->max_connections, 16);
  EXPECT_TRUE(app->strict_success);
  EXPECT_EQ(app->network, Network::kPublic);
  EXPECT_THAT(app->allow_cidrs, ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(app->ca_file, "/etc/ca.pem");
  EXPECT_EQ(app->stale_after, absl::Minutes(1));
  EXPECT_THAT(app->rest_client_config_methods, ElementsAre("StreamStatusEvent", "CallStatusEvent"));
  const MethodPolicy& policy = app->rest_client_config->For("StreamStatusEvent");
  EXPECT_EQ(policy.on_error, OnError::kFail);
  ASSERT_NE(policy.rest_exclude, nullptr);
  EXPECT_THAT(*policy.rest_exclude, ElementsAre("sdp"));
  EXPECT_EQ(app->rest_client_config->For("CallStatusEvent").rest_policy, RestPolicy::kDisable);
}

TEST(AppKeysTest, PlacesOfTheUrlAndTheAuthorityAreKept) {
  const ScratchDirectory directory;
  LoadOptions options;
  options.file = directory.path() + "/t.yaml";
  std::ofstream(*options.file) << "apps:\n  a:\n    url: http://h/\n    tls:\n      ca_file: x\n";
  options.default_engine_endpoint = "ipc:///e";
  absl::StatusOr<Config> config = Load(options);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->apps.at("a").url_where, *options.file + ":3:10: apps.a.url");
  EXPECT_EQ(config->apps.at("a").ca_file_where, *options.file + ":5:16: apps.a.tls.ca_file");
  options.sets = {"apps.a.url=http://other/"};
  EXPECT_EQ(Load(options)->apps.at("a").url_where, "--set apps.a.url");
}

TEST(AppKeysTest, UrlMustBeOneThatCanBePosted) {
  EXPECT_EQ(LoadApp("url: off")->url, std::nullopt);
  EXPECT_THAT(AppError("url: ftp://h/"),
              StartsWith("t.yaml:3:10: apps.a.url: must begin with http"));
  for (const char* url : {"''", "backend.example/x", "http:/h", "http://", "http:///x",
                          "http://:80/", "'http://h/a b'", "[http://h/]", "HTTP"}) {
    EXPECT_FALSE(LoadApp(std::string("url: ") + url).ok()) << url;
  }
}

TEST(AppKeysTest, CredentialsInAUrlAreRefusedAndNotShown) {
  const std::string error = AppError("url: http://user:hunter2@h/");
  EXPECT_THAT(error, HasSubstr("holds credentials; they are written as username and password"));
  EXPECT_THAT(error, Not(HasSubstr("hunter2")));
  EXPECT_TRUE(LoadApp("url: http://h/?mail=a@b").ok());
}

TEST(AppKeysTest, MethodsAreNamesOrAll) {
  EXPECT_THAT(LoadApp("methods: all")->methods, IsEmpty());
  EXPECT_EQ(AppError("methods: []"),
            "t.yaml:3:14: apps.a.methods: lists nothing; `all` is every method");
  EXPECT_EQ(AppError("methods: [X, a/b]"),
            "t.yaml:3:18: apps.a.methods[1]: is no name of a method");
  EXPECT_THAT(AppError("methods: StreamStatusEvent"), HasSubstr("must be a list of methods"));
  EXPECT_THAT(AppError("methods: {a: b}"), HasSubstr("not a mapping"));
}

TEST(AppKeysTest, OverwriteIsTakenWithItsList) {
  const auto app = LoadApp(
      "rest_client_config: {StreamStatusEvent: {restPolicy: OVERWRITE, restOverwrite: 'sdp, "
      "info'}}");
  ASSERT_TRUE(app.ok()) << app.status();
  const MethodPolicy& policy = app->rest_client_config->For("StreamStatusEvent");
  EXPECT_EQ(policy.rest_policy, RestPolicy::kOverwrite);
  EXPECT_EQ(*policy.rest_overwrite, (FieldSet{"info", "sdp"}));
}

TEST(AppKeysTest, KeysOfLaterVersionsAreRefusedNotIgnored) {
  for (const char* key : {"transport", "hold"}) {
    EXPECT_EQ(AppError(std::string(key) + ": x"),
              "t.yaml:3:5: apps.a." + std::string(key) + ": not in this version yet");
  }
}

TEST(AppKeysTest, TheNamesOfWebCallServerLeadToOurs) {
  EXPECT_EQ(AppError("rest_username: x"),
            "t.yaml:3:5: apps.a.rest_username: is written as username");
  EXPECT_EQ(AppError("rest_password: hunter2"),
            "t.yaml:3:5: apps.a.rest_password: is written as password");
}

TEST(AppKeysTest, KeysOfRoutesAreRefusedWithWhatAnAppHasInstead) {
  EXPECT_EQ(AppError("exclude: [sdp]"),
            "t.yaml:3:5: apps.a.exclude: is a key of routes; an app's is "
            "rest_client_config.<Method>.restExclude");
  EXPECT_THAT(AppError("on_error: FAIL"), HasSubstr("rest_client_config.<Method>.restOnError"));
  EXPECT_THAT(AppError("match: {}"), HasSubstr("an app's is methods"));
  EXPECT_THAT(AppError("endpoints: []"), HasSubstr("an app's is url"));
}

TEST(AppKeysTest, StaleAfterIsOffOrADuration) {
  EXPECT_EQ(LoadApp("stale_after: off")->stale_after, std::nullopt);
  EXPECT_EQ(LoadApp("stale_after: 90s")->stale_after, absl::Seconds(90));
  EXPECT_EQ(AppError("stale_after: 8d"), "t.yaml:3:18: apps.a.stale_after: must be from 1s to 7d");
  EXPECT_THAT(AppError("stale_after: 0"), HasSubstr("must be from 1s to 7d"));
  EXPECT_THAT(AppError("stale_after: never"), HasSubstr("needs a whole number and its unit"));
  EXPECT_THAT(AppError("stale_after: [1s]"), HasSubstr("must be text, not a list"));
}

TEST(AppKeysTest, StreamKeepAliveIsOffOrADuration) {
  EXPECT_EQ(LoadApp("stream_keep_alive: off")->keep_alive, std::nullopt);
  EXPECT_EQ(LoadApp("stream_keep_alive: 30s")->keep_alive, absl::Seconds(30));
  EXPECT_THAT(AppError("stream_keep_alive: 25h"), HasSubstr("must be from 1s to 1d"));
}

TEST(AppKeysTest, WhatTheRestClientConfigRefusesIsRefusedAtItsLine) {
  EXPECT_THAT(AppError("rest_client_config:\n  X:\n    restOnError: MAYBE"),
              StartsWith("t.yaml:5:22: apps.a.rest_client_config.X.restOnError: "));
  EXPECT_THAT(AppError("rest_client_config:\n  X:\n    restOnEror: FAIL"),
              StartsWith("t.yaml:5:21: apps.a.rest_client_config.X.restOnEror: "));
  EXPECT_EQ(AppError("rest_client_config: {'a/b': {}}"),
            "t.yaml:3:26: apps.a.rest_client_config.\"a/b\": is no name of a method");
  EXPECT_THAT(AppError("rest_client_config: {X: FAIL}"), HasSubstr("must be a mapping"));
  EXPECT_THAT(AppError("rest_client_config: {X: {restExclude: [sdp]}}"), HasSubstr("must be text"));
}

TEST(AppKeysTest, KeyOfAnAppIsAnythingThatFitsIntoAPath) {
  absl::StatusOr<Config> config = LoadText("apps: {\"live.example \xC3\xA9\": {}, '1': {}}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->apps.count("live.example \xC3\xA9"), 1u);
  for (const char* text : {"apps: {'': {}}", "apps: {a/b: {}}", "apps: {\"a\\nb\": {}}"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("an app's key is not empty")) << text;
  }
}

}  // namespace
}  // namespace tallybus::config
