// The effective values as a file.
#include "tallybusd/config/config_print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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
            "  admin: unix:/run/tallybus/admin.sock\n"
            "spool:\n"
            "  path: /var/lib/tallybus\n"
            "  sync: commit\n"
            "  max_size: 4GiB\n"
            "  retain: 0\n"
            "  dead_letter_age: 14d\n"
            "  dead_letter_size: 256MiB\n"
            "engines:\n"
            "  grace: 30s\n"
            "  on_lost: fail_streams\n"
            "session_ttl: 1d\n"
            "clients:\n"
            "  auth: none\n"
            "  max: 20000\n"
            "  queue_events: 256\n"
            "  queue_bytes: 1MiB\n"
            "  replay_events: 4096\n"
            "  replay_bytes: 8MiB\n"
            "  ping_interval: 30s\n"
            "  allowed_origins: []\n"
            "  allowed_hosts: []\n"
            "api:\n"
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
            "    quota: share\n"
            "    when_full: shed\n"
            "    on_head_failure: block\n"
            "    coalesce: false\n"
            "    success: 2xx\n"
            "    network: private\n"
            "    allow_cidrs: []\n"
            "    tls:\n"
            "      ca_file: \"\"\n"
            "      cert_file: \"\"\n"
            "      key_file: \"\"\n"
            "      http2: true\n"
            "    format: wcs\n"
            "    stale_after: off\n"
            "    stream_keep_alive: off\n"
            "    rest_client_config: {}\n"
            "plugins: []\n"
            "routes: []\n");
}

TEST(ConfigPrintTest, EveryKeyOfARouteIsPrintedWithItsDefault) {
  absl::StatusOr<Config> config = LoadText("routes: [{name: billing, endpoints: [http://h/]}]");
  ASSERT_TRUE(config.ok()) << config.status();
  const std::string printed = Print(*config);
  EXPECT_EQ(printed.substr(printed.find("routes:")),
            "routes:\n"
            "  - name: billing\n"
            "    match:\n"
            "      methods: all\n"
            "    transport: rest\n"
            "    endpoints: [http://h/]\n"
            "    exclude: []\n"
            "    on_error: LOG\n"
            "    delivery: guaranteed\n"
            "    retry: live\n"
            "    timeout: 10s\n"
            "    max_connections: 128\n"
            "    quota: share\n"
            "    when_full: shed\n"
            "    on_head_failure: block\n"
            "    coalesce: false\n"
            "    success: 2xx\n"
            "    network: private\n"
            "    allow_cidrs: []\n"
            "    tls:\n"
            "      ca_file: \"\"\n"
            "      cert_file: \"\"\n"
            "      key_file: \"\"\n"
            "      http2: true\n"
            "    format: wcs\n");
}

TEST(ConfigPrintTest, SecretsOfOptionsAreNeverPrinted) {
  absl::StatusOr<Config> config = LoadText(
      "routes: [{name: r, endpoints: [h], transport: pigeon,"
      " options: {topic: $$t, token: s3cret, key: 'file:/k$$', other: s3cret}}]");
  ASSERT_TRUE(config.ok()) << config.status();
  TransportDescriptor pigeon;
  pigeon.scheme = "pigeon";
  pigeon.options = {
      {"topic", "t"}, {"token", "t", OptionType::kSecret}, {"key", "t", OptionType::kSecret}};
  TransportRegistry registry;
  ASSERT_TRUE(registry.Register(pigeon).ok());
  const std::string printed = Print(*config, registry);
  EXPECT_THAT(printed, HasSubstr("    transport: pigeon\n"
                                 "    endpoints: [h]\n"));
  EXPECT_THAT(printed, HasSubstr("    coalesce: false\n"
                                 "    options:\n"
                                 "      topic: \"$$t\"\n"
                                 "      token: \"***\"\n"
                                 "      key: \"file:/k$$\"\n"
                                 "      other: \"***\"\n"));
  EXPECT_THAT(printed, Not(HasSubstr("s3cret")));
  EXPECT_THAT(Print(*config), HasSubstr("topic: \"***\"")) << "nobody knows what it is";
  EXPECT_TRUE(LoadText(printed).ok());
}

// Every value differs from its default, so that none can come back by chance.
constexpr char kEverything[] = R"(
node: {name: "Kamera 7: \"é\" #1 $$x \\"}
listen: {engine: off, open: "tcp://[::1]:*", clients: ipc:///tmp/c.sock, web: "[::1]:0",
         admin: "unix:/tmp/my admin.sock"}
spool:
  path: "/data/my spool$$"
  sync: off
  max_size: 10MB
  retain: 90m
  dead_letter_age: 25h
  dead_letter_size: 3MiB
engines: {grace: 1500ms, on_lost: nothing}
session_ttl: 90m
log: {level: error}
plugins: [/usr/lib/a.so, "/my b$$.so"]
apps:
  "null":
    url: off
  "live.example: [x]":
    url: "https://h/p?a=${X}&b={c}"
    methods: [StreamStatusEvent, X.y-z]
    delivery: guaranteed
    retry: none
    timeout: 1500ms
    max_connections: 7
    success: 200
    network: public
    allow_cidrs: [10.0.0.0/8, "fd00::/8"]
    tls: {ca_file: "/etc/my ca.pem", cert_file: /c.pem, key_file: "/k$$.pem", http2: false}
    quota: 2MiB
    when_full: block
    on_head_failure: skip
    coalesce: true
    stale_after: 3m
    stream_keep_alive: 30s
    rest_client_config:
      StreamStatusEvent: {clientExclude: "a,b", restExclude: sdp, restOnError: FAIL}
      CallStatusEvent: {restPolicy: DISABLED}
routes:
  - name: b.7
    match: {app: ["null", "a: b"], methods: [X], status: [FAILED, "no, #1"]}
    transport: rest
    endpoints: ["http://r/p?x=${X}"]
    exclude: [sdp, "a,b"]
    on_error: FAIL
    delivery: notify
    retry: [500ms, 2d]
    timeout: 2m
    max_connections: 3
    success: 200
    network: public
    allow_cidrs: [10.1.0.0/16]
    tls: {ca_file: /r.pem}
    quota: 33%
    when_full: block
    coalesce: true
    format: ndjson
    batch: {max_events: 9, max_bytes: 5KiB, max_wait: 3s}
  - name: a
    endpoints: [https://a/]
    retry: standard
)";

void ExpectTheSpoolAndEngines(const Config& config) {
  EXPECT_EQ(config.spool.path, "/data/my spool$");
  EXPECT_EQ(config.spool.sync, Sync::kOff);
  EXPECT_EQ(config.spool.max_bytes, 10'000'000);
  EXPECT_EQ(config.spool.retain, absl::Minutes(90));
  EXPECT_EQ(config.spool.dead_letter_age, absl::Hours(25));
  EXPECT_EQ(config.spool.dead_letter_bytes, int64_t{3} << 20);
  EXPECT_EQ(config.engines.grace, absl::Milliseconds(1500));
  EXPECT_EQ(config.engines.on_lost, OnLost::kNothing);
  EXPECT_EQ(config.session_ttl, absl::Minutes(90));
}

void ExpectTheApp(const App& app) {
  EXPECT_EQ(app.url, "https://h/p?a=$1&b={c}");
  EXPECT_THAT(app.methods, ElementsAre("StreamStatusEvent", "X.y-z"));
  EXPECT_EQ(app.delivery, Delivery::kGuaranteed);
  EXPECT_EQ(app.retry, Retry::kNone);
  EXPECT_EQ(app.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(app.max_connections, 7);
  EXPECT_TRUE(app.strict_success);
  EXPECT_EQ(app.network, Network::kPublic);
  EXPECT_THAT(app.allow_cidrs, ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(app.ca_file, "/etc/my ca.pem");
  EXPECT_EQ(app.cert_file, "/c.pem");
  EXPECT_EQ(app.key_file, "/k$.pem");
  EXPECT_FALSE(app.http2);
  EXPECT_EQ(app.quota->percent, 0);
  EXPECT_EQ(app.quota->bytes, int64_t{2} << 20);
  EXPECT_EQ(app.when_full, WhenFull::kBlock);
  EXPECT_EQ(app.on_head_failure, OnHeadFailure::kSkip);
  EXPECT_TRUE(app.coalesce);
  EXPECT_EQ(app.stale_after, absl::Minutes(3));
  EXPECT_EQ(app.keep_alive, absl::Seconds(30));
  const MethodPolicy& policy = app.rest_client_config->For("StreamStatusEvent");
  EXPECT_THAT(*policy.client_exclude, ElementsAre("a", "b"));
  EXPECT_THAT(*policy.rest_exclude, ElementsAre("sdp"));
  EXPECT_EQ(policy.on_error, OnError::kFail);
  EXPECT_EQ(app.rest_client_config->For("CallStatusEvent").rest_policy, RestPolicy::kDisable);
}

void ExpectTheRoute(const Route& route) {
  EXPECT_EQ(route.name, "b.7");
  EXPECT_THAT(route.match.apps, ElementsAre("null", "a: b"));
  EXPECT_THAT(route.match.methods, ElementsAre("X"));
  EXPECT_THAT(route.match.statuses, ElementsAre("FAILED", "no, #1"));
  EXPECT_EQ(route.transport, "rest");
  EXPECT_EQ(route.url, "http://r/p?x=$1");
  EXPECT_THAT(*route.exclude, ElementsAre("a,b", "sdp"));
  EXPECT_EQ(route.on_error, OnError::kFail);
  EXPECT_EQ(route.delivery, Delivery::kNotify);
  EXPECT_EQ(route.retry, Retry::kList);
  EXPECT_THAT(route.retry_delays, ElementsAre(absl::Milliseconds(500), absl::Hours(48)));
  EXPECT_EQ(route.timeout, absl::Minutes(2));
  EXPECT_EQ(route.max_connections, 3);
  EXPECT_TRUE(route.strict_success);
  EXPECT_EQ(route.network, Network::kPublic);
  EXPECT_THAT(route.allow_cidrs, ElementsAre("10.1.0.0/16"));
  EXPECT_EQ(route.ca_file, "/r.pem");
  EXPECT_EQ(route.quota->percent, 33);
  EXPECT_EQ(route.when_full, WhenFull::kBlock);
  EXPECT_TRUE(route.coalesce);
  EXPECT_EQ(route.format, Format::kNdjson);
  EXPECT_EQ(route.batch.max_events, 9);
  EXPECT_EQ(route.batch.max_bytes, 5 << 10);
  EXPECT_EQ(route.batch.max_wait, absl::Seconds(3));
}

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
  ExpectTheSpoolAndEngines(*second);
  EXPECT_EQ(second->listen.admin, "unix:/tmp/my admin.sock");
  EXPECT_EQ(second->log_level, LogLevel::kError);
  ASSERT_EQ(second->plugins.size(), 2u);
  EXPECT_EQ(second->plugins[1].path, "/my b$.so");
  ASSERT_EQ(second->apps.size(), 2u);
  EXPECT_EQ(second->apps.at("null").url, std::nullopt);
  ExpectTheApp(second->apps.at("live.example: [x]"));
  ASSERT_EQ(second->routes.size(), 2u);
  ExpectTheRoute(second->routes[0]);
  EXPECT_EQ(second->routes[1].name, "a");
  EXPECT_EQ(second->routes[1].retry, Retry::kStandard);
}

TEST(ConfigPrintTest, DefaultsLoadAsTheSame) {
  absl::StatusOr<Config> first = LoadText("");
  ASSERT_TRUE(first.ok()) << first.status();
  absl::StatusOr<Config> second = LoadText(Print(*first));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Print(*second), Print(*first));
}

TEST(ConfigPrintTest, NamesTheTopLevelKeysThatChanged) {
  absl::StatusOr<Config> first = LoadText("");
  absl::StatusOr<Config> second = LoadText(
      "{spool: {path: memory}, node: {name: other}, routes: [{name: a, endpoints: [http://h/], "
      "match: {methods: [ErrorEvent]}}]}");
  ASSERT_TRUE(first.ok() && second.ok()) << second.status();
  EXPECT_TRUE(ChangedKeys(*first, *first).empty());
  EXPECT_EQ(ChangedKeys(*first, *second), (std::vector<std::string>{"node", "spool", "routes"}));
}

}  // namespace
}  // namespace tallybus::config
