// What is taken, and warned of.
#include "tallybusd/config/config_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> WarningsIn(const std::string& app) {
  const absl::StatusOr<Config> config = LoadText("apps: {a: {" + app + "}}");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? WarningsOf(*config) : std::vector<std::string>();
}

TEST(ConfigWarningsTest, OverwriteAndBatchesAreWarnedOfForEachMethod) {
  EXPECT_THAT(WarningsIn("format: json-array, rest_client_config: {X: {restPolicy: OVERWRITE}, "
                         "Y: {restPolicy: NOTIFY}, Z: {restPolicy: OVERWRITE}}"),
              ElementsAre(StartsWith("apps.a.rest_client_config.X.restPolicy: OVERWRITE does "
                                     "nothing where the app sends batches"),
                          StartsWith("apps.a.rest_client_config.Z.restPolicy: ")));
}

TEST(ConfigWarningsTest, OneWithoutTheOtherIsFine) {
  EXPECT_THAT(WarningsIn("format: ndjson, rest_client_config: {X: {restOverwrite: sdp}}"),
              IsEmpty());
  EXPECT_THAT(WarningsIn("rest_client_config: {X: {restPolicy: OVERWRITE}}"), IsEmpty());
}

TEST(ConfigWarningsTest, ASecretThatLeavesTheMachineInTheClearIsWarnedOf) {
  const std::string basic = "username: u, password: hunter2";
  EXPECT_THAT(WarningsIn("url: 'http://backend.example/x', " + basic),
              ElementsAre("apps.a.password: goes over http, so that everybody on the way can read "
                          "it; use https, or signing"));
  EXPECT_THAT(WarningsIn("url: 'http://10.0.0.1/x', bearer_token: hunter2"),
              ElementsAre(StartsWith("apps.a.bearer_token: goes over http")));
  for (const char* url : {"https://backend.example/", "http://127.0.0.1:1/", "http://localhost/",
                          "http://[::1]:8081/"}) {
    EXPECT_THAT(WarningsIn(std::string("url: '") + url + "', " + basic), IsEmpty()) << url;
  }
  EXPECT_THAT(WarningsIn("url: 'http://backend.example/', wcs_hash_key: k"), IsEmpty());
  const auto config = LoadText("routes: [{name: r, endpoints: [http://h/], bearer_token: t}]");
  EXPECT_THAT(WarningsOf(*config), ElementsAre(StartsWith("routes[0].bearer_token: ")));
  const auto second = LoadText(
      "routes: [{name: r, endpoints: [https://h/, http://h/], pick: all, bearer_token: t}]");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(WarningsOf(*second), ElementsAre(StartsWith("routes[0].bearer_token: ")));
}

}  // namespace
}  // namespace tallybus::config
