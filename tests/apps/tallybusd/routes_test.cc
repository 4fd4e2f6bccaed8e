// From configured routes to the router's, each checked by its own transport.
#include "routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/memory/memory_transport.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    TransportDescriptor memory = memory::MemoryDescriptor(recorder);
    memory.options = {{"topic", "where events go", OptionType::kText, true},
                      {"linger", "a time", OptionType::kDuration}};
    memory.check = [this](const Endpoint& endpoint) {
      checked = endpoint;
      return refused.empty() || refused == endpoint.url ? verdict : absl::OkStatus();
    };
    EXPECT_TRUE(registry.Register(memory).ok());
    TransportDescriptor rest = memory::MemoryDescriptor(recorder);
    rest.scheme = "rest";
    EXPECT_TRUE(registry.Register(rest).ok());
  }

  absl::StatusOr<RouteTable> Make(const std::string& lines, const Transports& transports = {}) {
    auto config = config::LoadText("apps: {a: {url: off}}\nroutes:\n  - name: r\n" + lines);
    if (!config.ok()) return config.status();
    return MakeRoutes(*config, registry, transports, &ids);
  }
  std::string ErrorOf(const std::string& lines) {
    const std::string message(Make(lines).status().message());
    return message.substr(message.rfind("/tallybus.yaml") + 1);
  }

  memory::Recorder recorder;
  TransportRegistry registry;
  EndpointIds ids;
  Endpoint checked;
  absl::Status verdict;
  std::string refused;  // the address that the verdict is about; empty: any
};

constexpr char kGood[] =
    "    endpoints: [here]\n    transport: memory\n    timeout: 2s\n"
    "    options: {topic: t, linger: 1m}\n";

constexpr char kTwo[] =
    "    endpoints: [here, there]\n    transport: memory\n    options: {topic: t}\n";

TEST_F(RoutesTest, WhereAllGetAnEventEachEndpointIsARouteOfItsOwn) {
  auto table = Make(kTwo + std::string("    pick: all\n    dry_run: true\n"));
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->others.size(), 2u);
  const std::string first = table->others[0]->name;
  const std::string second = table->others[1]->name;
  EXPECT_THAT(first, StartsWith("r/"));
  EXPECT_NE(first, second);
  EXPECT_EQ(table->others[1]->endpoint.route, second);
  EXPECT_EQ(table->others[1]->endpoint.url, "there");
  EXPECT_NE(table->others[0]->endpoint.id, table->others[1]->endpoint.id);
  EXPECT_TRUE(table->others[1]->dry_run);
  EXPECT_EQ(table->others[0]->quota_bytes, table->others[1]->quota_bytes);
}

TEST_F(RoutesTest, ARouteOfAllKeepsItsNameWhereAnotherEndpointGoes) {
  const std::string lines =
      "    transport: memory\n    options: {topic: t}\n    pick: all\n    endpoints: ";
  auto three = Make(lines + "['m://a:1/secret', 'm://b/', 'm://b/other']\n");
  auto two = Make(lines + "['m://b/', 'm://b/other']\n");
  ASSERT_TRUE(three.ok() && two.ok()) << three.status() << two.status();
  EXPECT_THAT(three->others[0]->name, StartsWith("r/a:1~"));
  EXPECT_THAT(three->others[0]->name, Not(HasSubstr("secret")));
  EXPECT_EQ(three->others[1]->name, two->others[0]->name);
  EXPECT_EQ(three->others[2]->name, two->others[1]->name);
}

TEST_F(RoutesTest, WhereOneIsPickedTheyAreOneRoute) {
  auto table = Make(kTwo + std::string("    pick: round_robin\n"));
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->others.size(), 1u);
  const Route& route = *table->others[0];
  EXPECT_EQ(route.name, "r");
  EXPECT_EQ(route.pick, Pick::kRoundRobin);
  ASSERT_EQ(route.endpoint_count(), 2u);
  EXPECT_EQ(route.endpoint_at(1).url, "there");
  EXPECT_EQ(route.endpoint_at(1).route, "r");
  EXPECT_NE(route.endpoint_at(1).id, route.endpoint_at(0).id);
}

TEST_F(RoutesTest, WhatIsWrongWithAFurtherEndpointIsToldAtItsPlace) {
  const std::string lines = kTwo + std::string("    pick: first_healthy\n");
  ASSERT_TRUE(Make(lines).ok());
  verdict = absl::InvalidArgumentError("is no place");
  refused = "there";
  EXPECT_EQ(ErrorOf(lines), "tallybus.yaml:4:23: routes[0].endpoints[1]: is no place");
}

TEST_F(RoutesTest, OptionsAreHandedOnInTheirOneForm) {
  Transport* const one = reinterpret_cast<Transport*>(this);  // never called
  auto table = Make(kGood, {{"memory", one}});
  ASSERT_TRUE(table.ok()) << table.status();
  const Route& route = *table->others.at(0);
  EXPECT_THAT(route.endpoint.options, ElementsAre(Pair("linger", "60000"), Pair("topic", "t")));
  EXPECT_EQ(route.endpoint.url, "here");
  EXPECT_EQ(route.endpoint.timeout, absl::Seconds(2));
  EXPECT_EQ(route.endpoint.route, "r");
  EXPECT_EQ(route.transport, one);
  EXPECT_EQ(checked.options, route.endpoint.options) << "what is checked is what is used";
}

TEST_F(RoutesTest, AnEndpointOfOtherOptionsIsAnotherOne) {
  const uint64_t first = Make(kGood)->others.at(0)->endpoint.id;
  EXPECT_EQ(Make(kGood)->others.at(0)->endpoint.id, first);
  EXPECT_NE(Make("    endpoints: [here]\n    transport: memory\n    timeout: 2s\n"
                 "    options: {topic: t, linger: 2m}\n")
                ->others.at(0)
                ->endpoint.id,
            first);
}

TEST_F(RoutesTest, ComplaintsComeAtTheirPlace) {
  EXPECT_THAT(ErrorOf("    endpoints: [x]\n    transport: pigeon\n"),
              StartsWith("tallybus.yaml:5:16: routes[0].transport: there is no transport pigeon: "
                         "it is not built in, and no plugin brings it; known: "));
  EXPECT_THAT(ErrorOf("    endpoints: [x]\n    transport: memmory\n"),
              EndsWith("no plugin brings it; did you mean \"memory\"?"));
  EXPECT_THAT(ErrorOf("    endpoints: [x]\n    transport: exec\n"),
              HasSubstr("there is no transport exec: a program started for each event"));
  EXPECT_EQ(ErrorOf("    endpoints: [x]\n    transport: memory\n"),
            "tallybus.yaml:5:16: routes[0].transport: needs the option topic: where events go");
  verdict = absl::InvalidArgumentError("no such place");
  EXPECT_EQ(ErrorOf(kGood), "tallybus.yaml:4:17: routes[0].endpoints[0]: no such place");
  verdict = absl::InvalidArgumentError("topic: has a space");
  EXPECT_EQ(ErrorOf(kGood), "tallybus.yaml:7:22: routes[0].options.topic: topic: has a space");
}

TEST_F(RoutesTest, TheSchemesOfAConfigurationAreThoseThatSend) {
  EXPECT_THAT(SchemesOf(*config::LoadText("apps: {a: {url: off}}")), ::testing::IsEmpty());
  EXPECT_THAT(SchemesOf(*config::LoadText("")), ElementsAre("rest"));
  EXPECT_THAT(SchemesOf(*config::LoadText("routes: [{name: r, transport: nats, endpoints: [x]}]")),
              ElementsAre("nats", "rest"));
}

}  // namespace
}  // namespace tallybus
