// --set key=value over a tree.
#include "tallybusd/config/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(OverridesTest, KeyIsSplitAtItsDotsAndTheFirstEqualSign) {
  absl::StatusOr<Override> parsed = ParseOverride("apps.a.url=http://h/?x=1");
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->keys, ElementsAre("apps", "a", "url"));
  EXPECT_EQ(parsed->value, "http://h/?x=1");
}

TEST(OverridesTest, QuotedKeyKeepsItsDots) {
  absl::StatusOr<Override> parsed = ParseOverride(R"(apps."live.a=\"b\\".url=x)");
  ASSERT_TRUE(parsed.ok());
  EXPECT_THAT(parsed->keys, ElementsAre("apps", R"(live.a="b\)", "url"));
}

TEST(OverridesTest, ArgumentsThatAreNoKeyAndValueAreRefused) {
  for (const char* text :
       {"", "=x", "apps", "apps.", "apps.=x", ".a=x", "a..b=x", R"(apps."a=x)", R"(apps."a"b=x)",
        R"(a"b"=x)", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=x"}) {
    EXPECT_THAT(std::string(ParseOverride(text).status().message()),
                StartsWith("--set: needs key=value"))
        << text;
  }
}

TEST(OverridesTest, OverrideWinsOverTheFileAndLeavesTheRestAlone) {
  absl::StatusOr<Config> config =
      LoadText("apps: {a: {url: 'http://h/', timeout: 3s, retry: none}}",
               {"apps.a.timeout=5s", "apps.a.timeout=7s"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->apps.at("a").timeout, absl::Seconds(7));
  EXPECT_EQ(config->apps.at("a").retry, Retry::kNone);
}

TEST(OverridesTest, MissingMappingsAreMade) {
  absl::StatusOr<Config> config = LoadText("", {R"(apps."a.b".url=http://h/x)"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->apps.at("a.b").url, "http://h/x");
}

TEST(OverridesTest, ValueMayBeAFlowListOrMapping) {
  absl::StatusOr<Config> config =
      LoadText("", {"apps.a={url: 'http://h/'}", "apps.a.methods=[X, Y]"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->apps.at("a").methods, ElementsAre("X", "Y"));
}

TEST(OverridesTest, AliasedMappingChangesOnlyWhereItIsOverridden) {
  absl::StatusOr<Config> config =
      LoadText("apps:\n  a: &a {url: 'http://h/'}\n  b: *a\n", {"apps.b.timeout=1s"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->apps.at("a").timeout, absl::Seconds(10));
  EXPECT_EQ(config->apps.at("b").timeout, absl::Seconds(1));
}

TEST(OverridesTest, ErrorsNameTheOptionAndItsKey) {
  EXPECT_EQ(ErrorOf("", {"apps.a.timeot=3s"}),
            "--set apps.a.timeot: unknown key; did you mean \"timeout\"?");
  EXPECT_EQ(ErrorOf("", {"apps.a={timeot: 3s}"}),
            "--set apps.a: apps.a.timeot: unknown key; did you mean \"timeout\"?");
  EXPECT_EQ(ErrorOf("", {"log.level=3"}),
            "--set log.level: unknown word; known: debug, info, warning, error");
  EXPECT_EQ(ErrorOf("", {"node.name="}),
            "--set node.name: has no value; leave the key out for its default");
  EXPECT_THAT(ErrorOf("", {"node.name=[a"}), StartsWith("--set node.name: a bracket left open"));
  EXPECT_THAT(ErrorOf("", {"node.name=a\x01"}), StartsWith("--set node.name: not UTF-8 text"));
}

TEST(OverridesTest, ComplaintAboutAnOverriddenKeyNamesTheOptionNotTheFile) {
  EXPECT_EQ(ErrorOf("log: {format: text}", {"log.format=json"}),
            "--set log.format: not in this version yet");
}

TEST(OverridesTest, KeyBelowAValueThatHoldsNoneIsRefused) {
  EXPECT_EQ(ErrorOf("node: {name: a}", {"node.name.x=1"}),
            "--set node.name.x: node.name holds no further keys; --set node.name=VALUE gives it "
            "whole");
  EXPECT_EQ(ErrorOf("[a]", {"node.name=1"}), "--set node.name: the top holds no further keys");
}

TEST(OverridesTest, KeyBelowAValueThatTheFileLeavesOutIsRefusedToo) {
  EXPECT_EQ(ErrorOf("", {"routes.x.delivery=notify"}),
            "--set routes.x.delivery: routes: must be a list, not a mapping; it takes no further "
            "keys: --set routes=VALUE gives it whole");
  for (const char* key : {"routes.x", "spool.path.x", "engines.grace.x", "apps.a.retry.x",
                          "apps.a.methods.x", "apps.a.allow_cidrs.x"}) {
    EXPECT_THAT(ErrorOf("", {std::string(key) + "=1"}), StartsWith("--set " + std::string(key)));
    EXPECT_THAT(ErrorOf("", {std::string(key) + "=1"}), EndsWith("=VALUE gives it whole"));
  }
}

}  // namespace
}  // namespace tallybus::config
