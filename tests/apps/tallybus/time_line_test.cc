// A trace as `tallybus trace` prints it.
#include "apps/tallybus/time_line.h"

#include <absl/time/civil_time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tallybus/trace.h"

namespace tallybus::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TimeLineTest : public ::testing::Test {
 protected:
  TimeLineTest() { Add("cam", "PUBLISHING", At(0)); }

  absl::Time At(int ms) const {
    return absl::FromCivil(absl::CivilSecond(2026, 1, 31, 23, 59, 59), zone_) +
           absl::Milliseconds(ms);
  }
  void Add(const std::string& name, const std::string& status, absl::Time accepted) {
    TracedEvent& event = trace_.events.emplace_back();
    event.id = {7, trace_.events.size()};
    event.name = name;
    event.session_id = "s1";
    event.app_key = "live";
    event.method = kStreamStatusEvent;
    event.status = status;
    event.time = event.accepted = accepted;
    TracedRoute& way = event.routes.emplace_back();
    way.route = "live/backend";
    way.row = trace_.events.size();
    way.lane_sequence = way.row;
    way.begun = accepted;
    way.first = TracedAttempt{.number = 1, .begun = accepted + absl::Milliseconds(1), .info = {}};
    way.last = way.first;
    way.fate = Fate::kDelivered;
    way.settled = accepted + absl::Milliseconds(1600);
  }
  std::string Printed() {
    const auto printed =
        TimeLine(TraceJson(trace_, ClosingSentence(trace_, At(5000), zone_)), zone_);
    EXPECT_TRUE(printed.ok()) << printed.status();
    return printed.value_or("");
  }

  absl::TimeZone zone_ = absl::FixedTimeZone(3600);
  Trace trace_;
};

TEST_F(TimeLineTest, PrintsALineForEachStepAndTheSentence) {
  EXPECT_EQ(Printed(),
            "#1  0000000000000007-1  StreamStatusEvent  PUBLISHING  cam  session s1  app live\n"
            "\n"
            "2026-01-31 (UTC+01:00)\n"
            "23:59:59.000      +0.000  accepted, 0 ms after the engine saw it\n"
            "23:59:59.000      +0.000  in the spool: row 1, number 1 of its lane  -> live/backend\n"
            "23:59:59.001      +0.001  attempt 1  -> live/backend\n"
            "\n"
            "2026-02-01 (UTC+01:00)\n"
            "00:00:00.600      +1.600  delivered  -> live/backend\n"
            "\n"
            "Delivered at the first attempt after 1.6 s.\n");
}

TEST_F(TimeLineTest, MarksTheStepsOfSeveralEvents) {
  Add("cam", "STOPPED", At(2));
  trace_.endpoints.push_back({At(1), "live/backend", EndpointState::kBreakerOpen, "5 failures"});
  const std::string printed = Printed();
  EXPECT_THAT(printed, HasSubstr("\n#2  0000000000000007-2  StreamStatusEvent  STOPPED  cam"));
  EXPECT_THAT(printed, HasSubstr("23:59:59.002      +0.002  #2    accepted"));
  EXPECT_THAT(printed, HasSubstr("23:59:59.001      +0.001        endpoint breaker open: 5 "
                                 "failures  -> live/backend\n"));
}

TEST_F(TimeLineTest, PrintsTheSentenceAloneWhereNothingIsKnown) {
  trace_.events.clear();
  EXPECT_EQ(
      Printed(),
      "Not known here: this process has seen nothing of it (it keeps the last 65,536 events), "
      "and no row of the spool that waits or is dead is of it (what is retained is found by "
      "its id).\n");
}

TEST_F(TimeLineTest, LetsNoNameDriveTheTerminal) {
  for (std::string* text : {&trace_.events[0].name, &trace_.events[0].routes[0].route,
                            &trace_.events[0].session_id, &trace_.events[0].status}) {
    *text = "a\x1b[2J\n\x7f\xC2\x9B\xC3\xA4";
  }
  trace_.events[0].routes[0].fate = Fate::kShed;  // the sentence names the route
  const std::string printed = Printed();
  EXPECT_THAT(printed, HasSubstr("a\\x1b[2J\\x0a\\x7f\\xc2\\x9b\xC3\xA4"));
  EXPECT_THAT(printed, HasSubstr("Shed: a\\x1b[2J"));
  for (const char* bad : {"\x1b", "\x7f", "\x9B", "J\n"}) EXPECT_THAT(printed, Not(HasSubstr(bad)));
}

TEST_F(TimeLineTest, RefusesWhatIsNoTrace) {
  for (const char* json :
       {"", "[]", "{}", "not found", R"({"events":[]})", R"({"events":[1],"steps":[]})",
        R"({"events":[],"steps":[1]})", R"({"events":[],"steps":[{}]})",
        R"({"events":{},"steps":[]})", R"({"events":[],"steps":[{"atUs":"x"}]})"}) {
    const auto printed = TimeLine(json, zone_);
    EXPECT_EQ(printed.status().code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

}  // namespace
}  // namespace tallybus::cli
