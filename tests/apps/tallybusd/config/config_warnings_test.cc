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

}  // namespace
}  // namespace tallybus::config
