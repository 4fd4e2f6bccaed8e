// The JSON of a trace, whatever the names hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "flight_recorder.h"
#include "tallybus/trace.h"
#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TraceJsonTest, HoldsTheSentenceTheEventsAndTheSteps) {
  testing::ManualClock clock;
  FlightRecorder recorder;
  Event event = testing::StatusEvent("cam", "PUBLISHING");
  event.id = {7, 1};
  event.time = clock.WallNow();
  recorder.Accepted(event, clock.WallNow());
  recorder.Spooled(event.id, {12, "defaultApp/backend", "defaultApp/cam", 3}, clock.WallNow());
  clock.Advance(absl::Milliseconds(2));
  recorder.Attempted(12, 1, clock.WallNow());
  recorder.Settled(12, Fate::kDelivered, clock.WallNow());
  EXPECT_EQ(
      TraceJson(recorder.Find("cam", 10), "Well."),
      R"({"sentence":"Well.","leftOut":0,"events":[{"id":"0000000000000007-1",)"
      R"("method":"StreamStatusEvent","status":"PUBLISHING","name":"cam","appKey":"defaultApp",)"
      R"("sessionId":"session-1","mediaSessionId":"media-cam","time":"2026-01-31T23:59:59.123Z",)"
      R"("accepted":"2026-01-31T23:59:59.123Z","fromRouter":false,"routes":[)"
      R"({"route":"defaultApp/backend","state":"delivered","row":12,"laneSequence":3,)"
      R"("attempts":1,"settled":"2026-01-31T23:59:59.125Z"}]}],"steps":[)"
      R"({"at":"2026-01-31T23:59:59.123Z","atUs":1769903999123000,"event":0,)"
      R"("what":"accepted, 0 ms after the engine saw it"},)"
      R"({"at":"2026-01-31T23:59:59.123Z","atUs":1769903999123000,"event":0,)"
      R"("route":"defaultApp/backend","what":"in the spool: row 12, number 3 of its lane"},)"
      R"({"at":"2026-01-31T23:59:59.125Z","atUs":1769903999125000,"event":0,)"
      R"("route":"defaultApp/backend","what":"attempt 1"},)"
      R"({"at":"2026-01-31T23:59:59.125Z","atUs":1769903999125000,"event":0,)"
      R"("route":"defaultApp/backend","what":"delivered"}]})");
}

TEST(TraceJsonTest, SaysWhichStateARouteIsIn) {
  Trace trace;
  TracedRoute& way = trace.events.emplace_back().routes.emplace_back();
  way.route = "r";
  way.row = 1;
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("state":"waiting")"));
  way.last = TracedAttempt{.number = 1, .begun = absl::UnixEpoch(), .info = {}};
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("state":"in flight")"));
  way.last.failed = absl::UnixEpoch();
  way.next_attempt = absl::UnixEpoch();
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("state":"waiting")"));
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("nextAttempt":"1970-01-01T00:00:00.000Z")"));
  way.fate = Fate::kCoalesced;
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("state":"coalesced")"));
  way.not_sent = NotSentReason::kNoRoute;
  EXPECT_THAT(TraceJson(trace, ""), HasSubstr(R"("state":"never sent")"));
}

TEST(TraceJsonTest, IsJsonWhateverTheNamesHold) {
  const std::string hostile[] = {std::string("a\0\x1b[2J\"\\\n", 9), "\xff\xfe bytes", "\xC3",
                                 std::string(4096, '\xE2'), std::string(4096, '"')};
  for (const std::string& name : hostile) {
    FlightRecorder recorder;
    Event event;
    event.id = {7, 1};
    event.name = event.media_session_id = event.session_id = event.app_key = name;
    event.method = event.status = name;
    recorder.Accepted(event, absl::UnixEpoch());
    recorder.Spooled(event.id, {1, name, name, 1}, absl::UnixEpoch());
    recorder.Failed(1, {.attempt = 1, .http_status = 500, .info = name}, absl::UnixEpoch());
    recorder.EndpointChanged(name, EndpointState::kHeld, name, absl::UnixEpoch());
    const Trace trace = recorder.Find(name, 10);
    ASSERT_EQ(trace.events.size(), 1u);
    ASSERT_EQ(trace.endpoints.size(), 1u);
    const std::string json =
        TraceJson(trace, ClosingSentence(trace, absl::UnixEpoch(), absl::UTCTimeZone()));
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    EXPECT_EQ(parser.parse(json).get(element), simdjson::SUCCESS) << json;
    EXPECT_LT(json.size(), 4096u);
  }
}

TEST(TraceJsonTest, HoldsNoPayload) {
  FlightRecorder recorder;
  Event event = testing::StatusEvent("cam", "PUBLISHING");
  event.id = {7, 1};
  recorder.Accepted(event, absl::UnixEpoch());
  EXPECT_THAT(event.json, HasSubstr("sdp"));
  EXPECT_THAT(TraceJson(recorder.Find("cam", 1), ""), Not(HasSubstr("sdp")));
}

}  // namespace
}  // namespace tallybus
