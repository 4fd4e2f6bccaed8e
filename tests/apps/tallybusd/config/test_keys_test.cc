// The form of the tests that a configuration brings.
#include "tallybusd/config/test_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string WrongWith(const std::string& members) {
  return ErrorOf("tests:\n- {name: t, event: XEvent, " + members + "}");
}

TEST(TestKeysTest, ATestHasAnEventAndWhatMustBecomeOfIt) {
  const auto config = LoadText(R"(
tests:
  - name: ends
    event: { status: STOPPED, bitrate: 7, "quoted": "7", info: { list: [true, ~, "a\nb"] } }
    session_config: { StreamStatusEvent: { restOnError: FAIL } }
    routes: [a/backend, billing]
    dry_run: []
    fields: { billing: { status: STOPPED, sdp: ~ } }
    client: { name: ~ }
  - { name: file, method: OtherEvent, event: events/end.json, session_config: s.json, client: { a: 1 } }
  - { name: method, event: ConnectionStatusEvent, routes: [] }
)");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->tests.size(), 3);
  const TestCase& ends = config->tests[0];
  EXPECT_EQ(ends.event.method, "StreamStatusEvent");
  EXPECT_EQ(ends.event.json,
            R"({"status":"STOPPED","bitrate":7,"quoted":"7","info":{"list":[true,null,"a\nb"]}})");
  EXPECT_EQ(ends.session.config->For("StreamStatusEvent").on_error, OnError::kFail);
  ASSERT_EQ(ends.routes->size(), 2);
  EXPECT_EQ(ends.routes->at(1).name, "billing");
  EXPECT_THAT(ends.routes->at(1).where, HasSubstr(":6:25: tests[0].routes[1]"));
  EXPECT_THAT(*ends.dry_run, IsEmpty());
  ASSERT_EQ(ends.fields.size(), 1);
  EXPECT_EQ(ends.fields[0].first.name, "billing");
  EXPECT_EQ(ends.fields[0].second[0].json, "\"STOPPED\"");
  EXPECT_EQ(ends.fields[0].second[1].json, std::nullopt);
  ASSERT_EQ(ends.client.size(), 1);
  EXPECT_EQ(ends.client[0].path, "name");
  const TestCase& file = config->tests[1];
  EXPECT_EQ(file.event.method, "OtherEvent");
  EXPECT_EQ(file.event.file, "events/end.json");
  EXPECT_EQ(file.session.file, "s.json");
  EXPECT_EQ(file.routes, std::nullopt);
  EXPECT_EQ(file.client[0].json, "1");
  EXPECT_EQ(config->tests[2].event.method, "ConnectionStatusEvent");
}

TEST(TestKeysTest, NoTestsAreNoMistake) {
  EXPECT_EQ(ErrorOf("tests: []"), "");
  EXPECT_EQ(ErrorOf("tests:\n#  - commented out\n"), "");
}

TEST(TestKeysTest, AWrongMemberIsNamedAtItsPlace) {
  EXPECT_THAT(WrongWith("rutes: []"),
              StartsWith("t.yaml:2:28: tests[0].rutes: unknown key; did you mean \"routes\"?"));
  EXPECT_THAT(WrongWith("routes: billing"), HasSubstr("tests[0].routes: must be a list"));
  EXPECT_THAT(WrongWith("routes: [a, a]"), HasSubstr("tests[0].routes[1]: is listed twice"));
  EXPECT_THAT(WrongWith("method: YEvent, routes: []"), HasSubstr("is a second method"));
  EXPECT_THAT(WrongWith("client: some"), HasSubstr("tests[0].client: must be a mapping"));
  EXPECT_THAT(WrongWith("fields: {billing: STOPPED}"), HasSubstr("takes the fields that it must"));
  EXPECT_THAT(WrongWith("session_config: {XEvent: {restOnError: MAYBE}}"),
              HasSubstr("tests[0].session_config.XEvent.restOnError: "));
  EXPECT_THAT(ErrorOf("tests: {}"), HasSubstr("tests: must be a list"));
  EXPECT_THAT(ErrorOf("tests: [{name: t, event: 'no method!', routes: []}]"),
              HasSubstr("must be an object, the path of a file"));
  EXPECT_THAT(ErrorOf("tests: [{name: t, event: {x: \"${NOT_SET}\"}, routes: []}]"),
              HasSubstr("tests[0].event.x: "));
}

TEST(TestKeysTest, ATestWithoutNameEventOrExpectationIsRefused) {
  EXPECT_THAT(ErrorOf("tests: [{event: XEvent, routes: []}]"), HasSubstr("has no name"));
  EXPECT_THAT(ErrorOf("tests: [{name: t, routes: []}]"), HasSubstr("has no event"));
  EXPECT_THAT(ErrorOf("tests: [{name: t, event: XEvent}]"), HasSubstr("expects nothing"));
}

}  // namespace
}  // namespace tallybus::config
