// The keys of a route.
#include "tallybusd/config/route_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Loads one route with its name, its endpoint and these lines, each "key: value".
std::string WithRoute(const std::string& lines) {
  return "routes:\n  - name: r\n    endpoints: [http://h/]\n    " +
         absl::StrReplaceAll(lines, {{"\n", "\n    "}});
}
absl::StatusOr<Route> LoadRoute(const std::string& lines) {
  absl::StatusOr<Config> config = LoadText(WithRoute(lines));
  if (!config.ok()) return config.status();
  return config->routes.at(0);
}
std::string RouteError(const std::string& lines) { return ErrorOf(WithRoute(lines)); }

TEST(RouteKeysTest, RouteNeedsNoMoreThanItsNameAndEndpoint) {
  absl::StatusOr<Config> config = LoadText("routes: [{name: billing, endpoints: ['http://h/x']}]");
  ASSERT_TRUE(config.ok()) << config.status();
  const Route& route = config->routes.at(0);
  EXPECT_EQ(route.name, "billing");
  EXPECT_EQ(route.url, "http://h/x");
  EXPECT_EQ(route.transport, "rest");
  EXPECT_EQ(route.delivery, Delivery::kGuaranteed);
  EXPECT_THAT(route.match.apps, IsEmpty());
  EXPECT_THAT(route.match.methods, IsEmpty());
  EXPECT_THAT(route.match.statuses, IsEmpty());
  EXPECT_EQ(route.exclude, nullptr);
  EXPECT_EQ(route.on_error, OnError::kLog);
  EXPECT_TRUE(config->default_app_used) << "routes are no apps";
}

TEST(RouteKeysTest, EveryKeyIsRead) {
  absl::StatusOr<Route> route = LoadRoute(
      "match: {app: [a, b/c], methods: [StreamStatusEvent, X], status: [UNPUBLISHED, FAILED]}\n"
      "transport: rest\n"
      "delivery: notify\n"
      "exclude: [sdp, info, a]\n"
      "on_error: FAIL");
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_THAT(route->match.apps, ElementsAre("a", "b/c"));
  EXPECT_THAT(route->match.methods, ElementsAre("StreamStatusEvent", "X"));
  EXPECT_THAT(route->match.statuses, ElementsAre("UNPUBLISHED", "FAILED"));
  EXPECT_EQ(route->delivery, Delivery::kNotify);
  ASSERT_NE(route->exclude, nullptr);
  EXPECT_THAT(*route->exclude, ElementsAre("a", "info", "sdp")) << "sorted, as a FieldSet is";
  EXPECT_EQ(route->on_error, OnError::kFail);
}

TEST(RouteKeysTest, RoutesKeepTheOrderOfTheFile) {
  absl::StatusOr<Config> config =
      LoadText("routes: [{name: z, endpoints: [http://z/]}, {name: a, endpoints: [http://a/]}]");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->routes.size(), 2u);
  EXPECT_EQ(config->routes[0].name, "z");
  EXPECT_EQ(config->routes[1].name, "a");
}

TEST(RouteKeysTest, ListMayBeEmptyOrCommentedOut) {
  EXPECT_THAT(LoadText("routes: []")->routes, IsEmpty());
  EXPECT_THAT(LoadText("routes:\n#  - name: x\n")->routes, IsEmpty());
  EXPECT_EQ(ErrorOf("routes: {billing: {}}"), "t.yaml:1:9: routes: must be a list, not a mapping");
}

TEST(RouteKeysTest, NameIsRequiredAndFitsIntoMetricsAndPaths) {
  EXPECT_EQ(ErrorOf("routes:\n  - endpoints: [http://h/]\n"),
            "t.yaml:2:5: routes[0]: has no name, which a route needs");
  EXPECT_THAT(ErrorOf("routes:\n  -\n"), HasSubstr("routes[0]: has no name"));
  const auto named = [](const std::string& name) {
    return ErrorOf("routes: [{name: " + name + ", endpoints: [http://h/]}]");
  };
  for (const std::string& name : {std::string("a"), std::string("7_b.c-D"), std::string(64, 'x')}) {
    EXPECT_EQ(named(name), "") << name;
  }
  for (const std::string& name :
       {std::string("''"), std::string("a/backend"), std::string("-a"), std::string(".a"),
        std::string("'a b'"), std::string("\xC3\xA9"), std::string(65, 'x')}) {
    EXPECT_THAT(named(name), HasSubstr("t.yaml:1:17: routes[0].name: must have 1 to 64 letters"))
        << name;
  }
}

TEST(RouteKeysTest, TwoRoutesOfOneNameAreRefusedAtTheSecond) {
  EXPECT_EQ(ErrorOf("routes:\n"
                    "  - {name: a, endpoints: [http://h/]}\n"
                    "  - {name: b, endpoints: [http://h/]}\n"
                    "  - {name: a, endpoints: [http://h/]}\n"),
            "t.yaml:4:5: routes[2]: has the name of routes[0]; each route needs its own");
}

TEST(RouteKeysTest, EndpointIsExactlyOneUrl) {
  const auto with = [](const std::string& endpoints) {
    return LoadText("routes:\n  - name: r\n    endpoints: " + endpoints + "\n").status();
  };
  EXPECT_EQ(ErrorOf("routes: [{name: r}]"),
            "t.yaml:1:10: routes[0]: has no endpoints; a route needs one URL");
  EXPECT_THAT(std::string(with("[]").message()), HasSubstr("lists nothing; a route needs one URL"));
  EXPECT_THAT(std::string(with("http://h/").message()), HasSubstr("must be a list, not text"));
  const absl::Status two = with("[http://h/, http://g/]");
  EXPECT_EQ(two.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(std::string(two.message()),
            "t.yaml:3:28: routes[0].endpoints[1]: one endpoint each in this version; a second "
            "route reaches a second one");
}

TEST(RouteKeysTest, EndpointIsAUrlThatCanBePostedAndNeverOff) {
  for (const char* url : {"off", "ftp://h/", "''", "http://", "'http://h/a b'"}) {
    EXPECT_THAT(ErrorOf("routes: [{name: r, endpoints: [" + std::string(url) + "]}]"),
                HasSubstr("t.yaml:1:32: routes[0].endpoints[0]: "))
        << url;
  }
  EXPECT_EQ(ErrorOf("routes: [{name: r, endpoints: [off]}]"),
            "t.yaml:1:32: routes[0].endpoints[0]: must begin with http:// or https://");
  EXPECT_THAT(LoadRoute("timeout: 1s")->url_where, EndsWith(":3:17: routes[0].endpoints[0]"));
}

TEST(RouteKeysTest, TransportIsAnyNameAndItsAddressIsNotReadAsAUrl) {
  absl::StatusOr<Config> config =
      LoadText("routes: [{name: r, endpoints: [broker-1 broker-2], transport: pigeon}]");
  ASSERT_TRUE(config.ok()) << config.status();
  const Route& route = config->routes.at(0);
  EXPECT_EQ(route.transport, "pigeon");
  EXPECT_EQ(route.transport_where.substr(route.transport_where.find("yaml")),
            "yaml:1:63: routes[0].transport");
  EXPECT_EQ(route.url, "broker-1 broker-2");
  EXPECT_THAT(RouteError("transport: [rest]"), HasSubstr("transport: must be text, not a list"));
}

TEST(RouteKeysTest, OptionsOfAnotherTransportAreFlattened) {
  absl::StatusOr<Route> route = LoadRoute(
      "transport: pigeon\noptions: {topic: a/b, tls: {ca_file: /x, pin: {a: 1}}, tls.key: /k}");
  ASSERT_TRUE(route.ok()) << route.status();
  std::vector<std::string> options;
  for (const Option& o : route->options) options.push_back(o.name + "=" + o.text);
  EXPECT_THAT(options, ElementsAre("topic=a/b", "tls.ca_file=/x", "tls.pin.a=1", "tls.key=/k"));
  EXPECT_THAT(route->options[1].where, EndsWith(":5:42: routes[0].options.tls.ca_file"));
  EXPECT_THAT(route->options[1].key_where, EndsWith(":5:33: routes[0].options.tls.ca_file"));
}

TEST(RouteKeysTest, OptionsAreTextsEachOnce) {
  EXPECT_EQ(RouteError("transport: pigeon\noptions: {tls: {a: 1}, tls.a: 2}"),
            "t.yaml:5:28: routes[0].options.\"tls.a\": is written twice");
  EXPECT_EQ(RouteError("transport: pigeon\noptions: {a: [1]}"),
            "t.yaml:5:18: routes[0].options.a: must be text, not a list");
  EXPECT_THAT(RouteError("transport: pigeon\noptions: {a: }"), HasSubstr("has no value"));
  EXPECT_THAT(RouteError("transport: pigeon\noptions: [a]"), HasSubstr("must be a mapping"));
}

TEST(RouteKeysTest, KeysOfRestAreRefusedForAnotherTransport) {
  for (const char* key : {"tls: {}", "network: public", "format: wcs", "batch: {}", "success: 200",
                          "allow_cidrs: []"}) {
    EXPECT_THAT(RouteError(std::string(key) + "\ntransport: pigeon"),
                AllOf(HasSubstr("t.yaml:4:5: routes[0]."),
                      HasSubstr("is a key of transport rest alone; what pigeon takes is written "
                                "below options")))
        << key;
  }
  EXPECT_TRUE(LoadRoute("transport: pigeon\ntimeout: 1s\nretry: none\nquota: 1MiB").ok());
}

TEST(RouteKeysTest, RestHasNoOptionsButItsKeys) {
  EXPECT_EQ(RouteError("options: {a: b}"),
            "t.yaml:4:5: routes[0].options: is a key of other transports; what rest takes are keys "
            "of the route");
}

TEST(RouteKeysTest, AnAddressHoldsNoPassword) {
  const auto at = [](const std::string& address) {
    return ErrorOf("routes: [{name: r, transport: pigeon, endpoints: ['" + address + "']}]");
  };
  EXPECT_EQ(at("nats://u:p@h:1"),
            "t.yaml:1:51: routes[0].endpoints[0]: holds a password; one is written below options");
  for (const char* good : {"nats://u@h:1", "nats://h:1/a:b@c", "[::1]:1", "a:b"}) {
    EXPECT_EQ(at(good), "") << good;
  }
  EXPECT_THAT(at(""), HasSubstr("must not be empty"));
}

TEST(RouteKeysTest, MatchTakesOneTextOrAList) {
  absl::StatusOr<Route> route = LoadRoute("match: {app: not-configured, status: FAILED}");
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_THAT(route->match.apps, ElementsAre("not-configured"));
  EXPECT_THAT(route->match.statuses, ElementsAre("FAILED"));
  EXPECT_THAT(LoadRoute("match: {methods: all}")->match.methods, IsEmpty());
  EXPECT_TRUE(LoadRoute("match:").ok());
}

TEST(RouteKeysTest, MatchRefusesWhatCanNeverMatch) {
  EXPECT_EQ(RouteError("match: {app: []}"),
            "t.yaml:4:18: routes[0].match.app: lists nothing; leave the key out for any");
  EXPECT_THAT(RouteError("match: {app: ''}"), HasSubstr("match.app: must not be empty"));
  EXPECT_THAT(RouteError("match: {status: [A, '']}"),
              HasSubstr("match.status[1]: must not be empty"));
  EXPECT_THAT(RouteError("match: {status: []}"), HasSubstr("lists nothing"));
  EXPECT_THAT(RouteError("match: {status: {A: B}}"), HasSubstr("must be text, not a mapping"));
  EXPECT_EQ(RouteError("match: {methods: [a/b]}"),
            "t.yaml:4:23: routes[0].match.methods[0]: is no name of a method");
  EXPECT_THAT(RouteError("match: {methods: []}"), HasSubstr("`all` is every method"));
  EXPECT_EQ(RouteError("match: {statuss: A}"),
            "t.yaml:4:13: routes[0].match.statuss: unknown key; did you mean \"status\"?");
}

TEST(RouteKeysTest, ExcludeIsAListOfFields) {
  EXPECT_EQ(LoadRoute("exclude: []")->exclude, nullptr);
  EXPECT_EQ(RouteError("exclude: sdp"), "t.yaml:4:14: routes[0].exclude: must be a list, not text");
  EXPECT_EQ(RouteError("exclude: [a, '']"), "t.yaml:4:18: routes[0].exclude[1]: must not be empty");
}

TEST(RouteKeysTest, OnErrorIsAWordInCapitals) {
  EXPECT_EQ(LoadRoute("on_error: LOG")->on_error, OnError::kLog);
  EXPECT_EQ(RouteError("on_error: fail"),
            "t.yaml:4:15: routes[0].on_error: unknown word; known: LOG, FAIL");
}

TEST(RouteKeysTest, KeysFromElsewhereAreRefusedWithTheirPlace) {
  EXPECT_EQ(RouteError("url: http://h/"),
            "t.yaml:4:5: routes[0].url: is a key of apps; a route's is endpoints");
  EXPECT_THAT(RouteError("app: a"), HasSubstr("routes[0].app: is a key of match: match.app"));
  EXPECT_THAT(RouteError("methods: all"), HasSubstr("match.methods"));
  EXPECT_THAT(RouteError("status: X"), HasSubstr("match.status"));
  EXPECT_THAT(RouteError("rest_client_config: {}"), HasSubstr("exclude and on_error"));
  EXPECT_THAT(RouteError("stale_after: 1m"), HasSubstr("is a key of apps"));
  EXPECT_THAT(RouteError("stream_keep_alive: 1m"), HasSubstr("is a key of apps"));
}

TEST(RouteKeysTest, PluginsAreAbsolutePaths) {
  absl::StatusOr<Config> config = LoadText("plugins: [/a.so, /b.so]");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->plugins.size(), 2u);
  EXPECT_EQ(config->plugins[1].path, "/b.so");
  EXPECT_THAT(config->plugins[1].where, EndsWith(":1:18: plugins[1]"));
  EXPECT_EQ(ErrorOf("plugins: [a.so]"),
            "t.yaml:1:11: plugins[0]: must be the absolute path of a shared object");
  EXPECT_EQ(ErrorOf("plugins: /a.so"), "t.yaml:1:10: plugins: must be a list, not text");
  EXPECT_THAT(LoadText("plugins:\n# - /a.so\n")->plugins, IsEmpty());
}

TEST(RouteKeysTest, OverrideReplacesTheWholeList) {
  absl::StatusOr<Config> config =
      LoadText(WithRoute("on_error: FAIL"), {"routes=[{name: x, endpoints: [http://x/]}]"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->routes.at(0).name, "x");
  EXPECT_EQ(config->routes.at(0).url_where, "--set routes: routes[0].endpoints[0]");
}

}  // namespace
}  // namespace tallybus::config
