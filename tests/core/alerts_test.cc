// What needs a person: told once when it begins and once when it is over.
#include "alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/recording_log.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlertsTest : public ::testing::Test {
 protected:
  static Alert Open(const std::string& subject) {
    Alert alert;
    alert.name = "BreakerOpen";
    alert.subject = subject;
    alert.text = "the endpoint fails";
    alert.waiting = 12;
    return alert;
  }
  int64_t On() {
    return metrics.GetGauge("tallybus_alerts_active", "", {{"alert", "BreakerOpen"}}).Value();
  }

  Metrics metrics;
  testing::RecordingLog log;
  Alerts alerts{log, metrics, "node-1"};
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(AlertsTest, SaysAllThatAPersonNeeds) {
  Alert alert = Open("billing");
  alert.oldest = now - absl::Seconds(90);
  alerts.Raise(alert, now);
  const auto told = alerts.Take();
  ASSERT_THAT(told, SizeIs(1));
  const Event& event = told[0].event;
  EXPECT_EQ(told[0].about, "billing");
  EXPECT_EQ(event.method, kAlertEvent);
  EXPECT_EQ(event.status, "FIRING");
  EXPECT_EQ(event.time, now);
  EXPECT_EQ(event.node_id, "node-1");
  EXPECT_TRUE(event.from_router);
  EXPECT_TRUE(event.session_id.empty()) << "no client is told";
  EXPECT_EQ(event.json,
            R"({"nodeId":"node-1","alert":"BreakerOpen","status":"FIRING","severity":"critical",)"
            R"("subject":"billing","since":"2023-11-14T22:13:20.000Z","waiting":12,)"
            R"("oldest":"2023-11-14T22:11:50.000Z","text":"the endpoint fails",)"
            R"("runbook":"docs/operations.md#breakeropen"})");
  EXPECT_THAT(log.lines(), ElementsAre("alert BreakerOpen billing: the endpoint fails"));
  EXPECT_THAT(log.levels(), ElementsAre(LogLevel::kError));
}

TEST_F(AlertsTest, IsFiredOnceAndResolvedOnce) {
  for (int i = 0; i < 3; ++i) alerts.Raise(Open("billing"), now + absl::Seconds(i));
  EXPECT_THAT(alerts.Take(), SizeIs(1));
  EXPECT_EQ(On(), 1);
  for (int i = 0; i < 3; ++i) alerts.Resolve("BreakerOpen", "billing", now + absl::Seconds(9));
  const auto told = alerts.Take();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].event.status, "RESOLVED");
  EXPECT_THAT(told[0].event.json, HasSubstr(R"("since":"2023-11-14T22:13:20.000Z")"));
  EXPECT_EQ(On(), 0);
  EXPECT_THAT(told[0].event.json, HasSubstr(R"("text":"over: the endpoint fails")"));
  ASSERT_THAT(log.lines(), SizeIs(2));
  EXPECT_EQ(log.lines()[1], "alert resolved: BreakerOpen billing: over: the endpoint fails");
  EXPECT_EQ(log.levels()[1], LogLevel::kInfo);
  EXPECT_THAT(alerts.active(), IsEmpty());
}

TEST_F(AlertsTest, SaysWhatIsTheMatterNow) {
  alerts.Raise(Open("billing"), now);
  Alert other = Open("billing");
  other.text = "the endpoint refuses";
  other.waiting = 13;
  alerts.Raise(other, now + absl::Seconds(1));
  EXPECT_THAT(alerts.Take(), SizeIs(1));
  ASSERT_THAT(alerts.active(), SizeIs(1));
  EXPECT_EQ(alerts.active()[0].alert.text, "the endpoint refuses");
  EXPECT_EQ(alerts.active()[0].alert.waiting, 13u);
  EXPECT_EQ(alerts.active()[0].since, now);
}

TEST_F(AlertsTest, EachSubjectHasItsOwn) {
  alerts.Raise(Open("billing"), now);
  alerts.Raise(Open("audit"), now);
  EXPECT_THAT(alerts.Take(), SizeIs(2));
  EXPECT_EQ(On(), 2);
  alerts.Resolve("BreakerOpen", "audit", now);
  ASSERT_THAT(alerts.active(), SizeIs(1));
  EXPECT_EQ(alerts.active()[0].alert.subject, "billing");
  EXPECT_EQ(alerts.active()[0].since, now);
}

TEST_F(AlertsTest, FollowsAStateThatIsOnOrOff) {
  for (bool on : {false, false, true, true, false, false, true}) alerts.Set(on, Open("x"), now);
  std::vector<std::string> statuses;
  for (const auto& told : alerts.Take()) statuses.push_back(told.event.status);
  EXPECT_THAT(statuses, ElementsAre("FIRING", "RESOLVED", "FIRING"));
}

TEST_F(AlertsTest, AWarningSaysThatItIsOne) {
  Alert alert = Open("spool");
  alert.critical = false;
  alerts.Raise(alert, now);
  EXPECT_THAT(alerts.Take()[0].event.json, HasSubstr(R"("severity":"warning")"));
  EXPECT_THAT(log.levels(), ElementsAre(LogLevel::kWarning));
}

}  // namespace
}  // namespace tallybus
