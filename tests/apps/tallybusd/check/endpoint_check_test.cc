// Which endpoints are tried, and what is said of each.
#include "apps/tallybusd/check/endpoint_check.h"

#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/check/loopback.h"
#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EndpointCheckTest : public ::testing::Test {
 protected:
  EndpointCheckTest() { EXPECT_TRUE(RegisterBuiltinTransports(catalog.registry).ok()); }

  // THERE and GONE in the text are peers.
  Findings Check(const std::string& yaml, const std::string& own = "") {
    Findings findings;
    const auto config = config::LoadText(absl::StrReplaceAll(
        yaml, {{"THERE", there.place()}, {"GONE", gone.place()}, {"FOLDER", folder.path()}}));
    EXPECT_TRUE(config.ok()) << config.status();
    const auto routes = PaperRoutes::Make(*config, catalog.registry);
    EXPECT_TRUE(routes.ok()) << routes.status();
    if (routes.ok()) CheckEndpoints(*routes, catalog, own, &findings);
    return findings;
  }

  const config::ScratchDirectory folder;
  const Loopback there{/*listens=*/true}, gone{/*listens=*/false};
  TransportCatalog catalog;
};

TEST_F(EndpointCheckTest, WhatIsThereIsGoodAndIsCounted) {
  const Findings found = Check(R"(
apps: { a: { url: "http://THERE/x" }, b: { url: off } }
routes: [{ name: f, transport: file, endpoints: ["file://FOLDER/new.ndjson"] }]
)");
  EXPECT_THAT(found.all, IsEmpty());
  EXPECT_THAT(found.tested, ElementsAre("2 endpoints"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(EndpointCheckTest, WhatIsNotThereIsToldForEachRouteWithoutSecrets) {
  const Findings found = Check(R"(
apps: { a: { url: "http://GONE/s3cret?token=s3cret" } }
routes:
  - { name: both, endpoints: ["http://THERE/", "http://GONE/"], pick: first_healthy }
  - { name: dry, endpoints: ["http://GONE/"], dry_run: true }
)");
  ASSERT_EQ(found.all.size(), 3);
  EXPECT_EQ(found.all[0].text, "route a/backend: http://" + gone.place() +
                                   ": connection refused: nothing listens there; start it");
  EXPECT_EQ(found.all[0].weight, Weight::kError);
  EXPECT_THAT(found.all[1].text, HasSubstr("route both: http://" + gone.place()));
  EXPECT_EQ(found.all[1].weight, Weight::kWarning);
  EXPECT_EQ(found.all[2].weight, Weight::kWarning);
}

TEST_F(EndpointCheckTest, OneEndpointIsEnoughForARouteThatGoesRoundTheOthersAndNotForAll) {
  const auto weights = [this](const std::string& endpoints, const std::string& pick) {
    std::vector<Weight> all;
    for (const Finding& each : Check("apps: {a: {url: off}}\nroutes: [{name: r, endpoints: [" +
                                     endpoints + "], pick: " + pick + "}]")
                                   .all) {
      all.push_back(each.weight);
    }
    return all;
  };
  const std::string mixed = "'http://GONE/', 'http://THERE/', 'http://GONE/b'";
  for (const char* pick : {"first_healthy", "round_robin"}) {
    EXPECT_THAT(weights(mixed, pick), ElementsAre(Weight::kWarning, Weight::kWarning));
    EXPECT_THAT(weights("'http://GONE/', 'http://GONE/b'", pick),
                ElementsAre(Weight::kError, Weight::kError));
  }
  EXPECT_THAT(weights(mixed, "all"), ElementsAre(Weight::kError, Weight::kError));
}

TEST_F(EndpointCheckTest, WhatTheDaemonBringsAlongIsNotTried) {
  EXPECT_THAT(Check("apps: { a: { url: 'http://GONE/x' } }", gone.place()).all, IsEmpty());
}

TEST_F(EndpointCheckTest, WhatAPluginReachesIsANote) {
  TransportDescriptor line = *catalog.registry.Find("file");
  line.scheme = "line";
  line.check = [](const Endpoint&) { return absl::OkStatus(); };
  ASSERT_TRUE(catalog.registry.Register(line).ok());
  catalog.plugin_files["line"] = "/x.so";
  const Findings found = Check(
      "apps: {a: {url: off}}\nroutes: [{name: l, transport: line, endpoints: ['tcp://GONE']}]");
  ASSERT_EQ(found.all.size(), 1);
  EXPECT_EQ(found.all[0].weight, Weight::kNote);
  EXPECT_EQ(found.all[0].text, "route l: not tested: line is a plugin's transport");
  EXPECT_THAT(found.tested, IsEmpty());
}

TEST_F(EndpointCheckTest, OfSeveralBrokersOneIsEnough) {
  TransportCatalog brokers;
  TransportDescriptor kafka = *catalog.registry.Find("file");
  kafka.scheme = "kafka";
  kafka.check = [](const Endpoint&) { return absl::OkStatus(); };
  ASSERT_TRUE(brokers.registry.Register(kafka).ok());
  catalog = brokers;
  const std::string head =
      "apps: {a: {url: off}}\nroutes: [{name: k, transport: kafka, endpoints: ";
  Findings found = Check(head + "['kafka://GONE,THERE']}]");
  ASSERT_EQ(found.all.size(), 1);
  EXPECT_EQ(found.all[0].weight, Weight::kWarning);
  EXPECT_THAT(found.all[0].text,
              HasSubstr("route k: kafka://" + gone.place() + ": connection refu"));
  found = Check(head + "['kafka://GONE']}]");
  ASSERT_EQ(found.all.size(), 1);
  EXPECT_EQ(found.all[0].weight, Weight::kError);
}

TEST_F(EndpointCheckTest, AFileWhoseFolderTakesNoneIsAnError) {
  const Findings found = Check(
      "apps: {a: {url: off}}\nroutes: [{name: f, transport: file, endpoints: ['file:///proc/x']}]");
  ASSERT_EQ(found.all.size(), 1);
  EXPECT_THAT(found.all[0].text, HasSubstr("route f: /proc: "));
}

}  // namespace
}  // namespace tallybus::check
