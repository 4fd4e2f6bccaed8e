// The words of an explanation; that they are true shows tests/e2e/explain_test.py.
#include "apps/explanation/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ToldOf(const std::string& yaml, const std::string& json, bool reveal = false,
                   const SessionConfig& session = {}) {
  const auto config = config::LoadText(yaml);
  TransportRegistry registry;
  if (!config.ok() || !RegisterBuiltinTransports(registry).ok()) return "no configuration";
  TransportDescriptor pigeon;
  pigeon.scheme = "pigeon";
  pigeon.check = [](const Endpoint&) { return absl::OkStatus(); };
  if (!registry.Register(pigeon).ok()) return "no pigeon";
  SampleEvents samples(absl::UnixEpoch(), config->node.name);
  const auto sample = json.empty() ? samples.Make("StreamStatusEvent", "")->front()
                                   : samples.Of("StreamStatusEvent", json).value();
  const auto told = Explain(*config, registry, sample, session, reveal);
  return told.ok() ? *told : std::string(told.status().message());
}

std::string Told(const std::string& yaml, bool reveal) { return ToldOf(yaml, "", reveal); }

TEST(ExplanationTest, TellsWhatGovernsWhoGetsItAndWhyOthersDoNot) {
  const std::string told = Told(R"(
apps: { defaultApp: { url: "http://127.0.0.1:1/x", bearer_token: s3cret } }
routes: [{ name: ends, endpoints: ["http://127.0.0.1:1/"], match: { status: STOPPED } }]
)",
                                false);
  EXPECT_THAT(told, HasSubstr("policy   the defaults: neither session nor app has any"));
  EXPECT_THAT(told, HasSubstr("route    defaultApp/backend: sent"));
  EXPECT_THAT(told, HasSubstr("POST /x/StreamStatusEvent HTTP/1.1"));
  EXPECT_THAT(told, HasSubstr("route    ends: not sent, match.status does not list PUBLISHING"));
  EXPECT_THAT(told, HasSubstr("clients  of trigger-"));
}

TEST(ExplanationTest, ShowsCredentialsOnlyWhereAsked) {
  const std::string yaml = "apps: {defaultApp: {url: 'http://127.0.0.1:1/', bearer_token: s3cret}}";
  EXPECT_THAT(Told(yaml, false), HasSubstr("Authorization: Bearer ***"));
  EXPECT_THAT(Told(yaml, false), Not(HasSubstr("s3cret")));
  EXPECT_THAT(Told(yaml, true), HasSubstr("Authorization: Bearer s3cret"));
}

TEST(ExplanationTest, ASecretOfTheUrlOrOfTheEventIsShownOnlyWhereAsked) {
  const std::string yaml = "apps: {defaultApp: {url: 'http://127.0.0.1:1/x?token=s3cret'}}";
  const std::string json = R"({"authToken":"s3cret","custom":{"password":"s3cret"},"n":1.0})";
  const std::string told = ToldOf(yaml, json);
  EXPECT_THAT(told, Not(HasSubstr("s3cret")));
  EXPECT_THAT(told, HasSubstr("POST /x/StreamStatusEvent?*** HTTP/1.1"));
  EXPECT_THAT(told, HasSubstr(R"("authToken":"***","custom":{"password":"***"},"n":1.0})"));
  EXPECT_THAT(ToldOf(yaml, json, true), HasSubstr("/x/StreamStatusEvent?token=s3cret HTTP/1.1"));
}

TEST(ExplanationTest, NoByteOfTheEventForgesALineOrOrdersTheTerminal) {
  const std::string told = ToldOf(
      "routes: [{name: r, endpoints: ['http://127.0.0.1:1/'], match: {status: STOPPED}}]",
      R"({"name":"n\u001b]0;x\u0007","sessionId":"s\u001b[31m","status":"A\nroute    fake: sent"})");
  EXPECT_THAT(told, Not(HasSubstr("\x1b")));
  EXPECT_THAT(told, Not(HasSubstr("\nroute    fake")));
  EXPECT_THAT(told, HasSubstr(R"(status A\x0aroute    fake: sent)"));
}

TEST(ExplanationTest, SaysOfEachValueOfThePolicyWhereItIsFrom) {
  const std::string yaml =
      "apps: {defaultApp: {url: 'http://127.0.0.1:1/', rest_client_config: "
      "{StreamStatusEvent: {restOnError: FAIL, restPolicy: NOTIFY}}}}";
  std::string told = Told(yaml, false);
  EXPECT_THAT(told, HasSubstr("  restPolicy     NOTIFY      (apps.defaultApp)\n"));
  EXPECT_THAT(told, HasSubstr("  restOnError    FAIL        (apps.defaultApp)\n"));
  EXPECT_THAT(told, HasSubstr("  restExclude    none        (default)\n"));

  const std::string json = R"({"restClientConfig":{"StreamStatusEvent":{"restExclude":"sdp"}}})";
  SessionConfig session = {ParseRestClientConfig(json).config, "s.json", json};
  told = ToldOf(yaml, "", false, session);
  EXPECT_THAT(told, HasSubstr("  restOnError    LOG         (default)\n"));
  EXPECT_THAT(told, HasSubstr("  restExclude    sdp         (session)\n"));
  session.json.clear();  // of a daemon, which does not tell
  EXPECT_THAT(ToldOf(yaml, "", false, session),
              HasSubstr("  restOnError    LOG         (session or default)\n"));
}

TEST(ExplanationTest, AnEventWithoutANodeIsOfTheConfigurationsOne) {
  EXPECT_THAT(ToldOf("{node: {name: media-07}, apps: {defaultApp: {url: 'http://127.0.0.1:1/'}}}",
                     R"({"status":"X"})"),
              HasSubstr(R"({"nodeId":"media-07","appKey":"defaultApp","status":"X"})"));
}

TEST(ExplanationTest, ACompressedBodyIsShownBeforeItIsPacked) {
  const std::string told =
      Told("apps: {defaultApp: {url: 'http://127.0.0.1:1/', compress: {over: 10B}}}", false);
  EXPECT_THAT(told, HasSubstr("    Content-Encoding: gzip\n"));
  EXPECT_THAT(told, HasSubstr("    {\"nodeId\":"));
  EXPECT_THAT(told, HasSubstr("    (before gzip; "));
}

TEST(ExplanationTest, AFilesLineIsTheWholeLine) {
  const std::string told = Told(
      "routes: [{name: log, transport: file, endpoints: ['file:///tmp/tallybus-none.ndjson']}]",
      false);
  EXPECT_THAT(told, HasSubstr("    append to /tmp/tallybus-none.ndjson\n"));
  EXPECT_THAT(told, HasSubstr(R"("tallybus":{"method":"StreamStatusEvent","id":")"));
  EXPECT_THAT(told, HasSubstr(R"("sequence":1}})"));
}

TEST(ExplanationTest, OfAPluginWhatItIsGiven) {
  const std::string told =
      Told("routes: [{name: p, transport: pigeon, endpoints: ['coop:7']}]", false);
  EXPECT_THAT(told, HasSubstr("  to coop:7\n    webhook-id: "));
  EXPECT_THAT(told, HasSubstr("    tallybus-sequence: 1\n"));
  EXPECT_THAT(told, HasSubstr("    (what the plugin is given; what it sends is its own)\n"));
}

std::string ToldOfMethod(const std::string& yaml, const std::string& method) {
  const auto config = config::LoadText(yaml);
  TransportRegistry registry;
  if (!config.ok() || !RegisterBuiltinTransports(registry).ok()) return "no configuration";
  const auto sample = SampleEvents(absl::UnixEpoch()).Make(method, "");
  return Explain(*config, registry, sample->front(), {}, false).value_or("not explained");
}

TEST(ExplanationTest, AConnectIsAskedOfTheAppsBackendAlone) {
  const std::string told = ToldOfMethod(R"(
apps: { defaultApp: { url: "http://127.0.0.1:1/", format: json-array } }
routes: [{ name: all, endpoints: ["http://127.0.0.1:1/"] }]
)",
                                        "connect");
  EXPECT_THAT(told, HasSubstr("POST /connect HTTP/1.1"));
  EXPECT_THAT(told, Not(HasSubstr("tallybus-sequence")));
  EXPECT_THAT(told, HasSubstr("route    all: not sent, the app's own backend alone is asked"));
  EXPECT_THAT(told, HasSubstr("clients  none"));
}

TEST(ExplanationTest, AnAlertIsOfNoAppAndMissesNoBackend) {
  const std::string told = ToldOfMethod(
      "routes: [{name: alarms, endpoints: ['http://127.0.0.1:1/'], "
      "match: {methods: [TallybusAlertEvent]}}]",
      "TallybusAlertEvent");
  EXPECT_THAT(told, HasSubstr("route    alarms: sent"));
  EXPECT_THAT(told, Not(HasSubstr("/backend: not sent")));
}

}  // namespace
}  // namespace tallybus
