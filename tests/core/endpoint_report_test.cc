// What an operator is told of endpoints as they are, and of what waits for them.
#include "endpoint_report.h"

#include "tests/core/router_desk_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::SizeIs;

class EndpointReportTest : public RouterDeskBench {
 protected:
  // The one row that waits.
  StoredRow Waiting() {
    StoredFilter filter;
    filter.waiting = true;
    StoredRow row;
    router->desk().Find(filter, [&](absl::StatusOr<StoredPage> page) { row = page->rows.at(0); });
    Run();
    return row;
  }
};

TEST_F(EndpointReportTest, ShowsEveryEndpointThereIs) {
  AddRoute(NewOtherRoute("billing"));
  ASSERT_THAT(router->desk().Endpoints(), SizeIs(2));
  const EndpointStatus billing = router->desk().Endpoints()[0];
  EXPECT_EQ(billing.route, "billing");
  EXPECT_EQ(billing.url, "http://billing");
  EXPECT_EQ(billing.state, "ready");
  EXPECT_EQ(billing.limit, 8);
  EXPECT_EQ(billing.waiting, 0u);
  EXPECT_EQ(billing.next_try, absl::InfiniteFuture());
}

TEST_F(EndpointReportTest, ShowsWhatARouteThatIsGoneLeftBehind) {
  ASSERT_TRUE(Control(Verb::kPause).ok());
  Send(StatusEvent("a", "PUBLISHING"));
  RemoveRoute(kApp);
  EXPECT_EQ(Endpoint().state, "paused, not configured");
  EXPECT_EQ(Endpoint().reason, "because");
  EXPECT_EQ(Endpoint().waiting, 1u);
  EXPECT_GT(Endpoint().bytes, 0u);
  ASSERT_TRUE(Control(Verb::kResume).ok());
  EXPECT_EQ(Endpoint().state, "not configured");
}

TEST_F(EndpointReportTest, ShowsHowAnEndpointFailsAndForHowLong) {
  EXPECT_EQ(Endpoint().breaker, "closed");
  EXPECT_EQ(Endpoint().oldest, absl::InfiniteFuture());
  EXPECT_EQ(Endpoint().last_error, "");
  code = 503;
  const absl::Time sent = absl::FromUnixSeconds(absl::ToUnixSeconds(clock.WallNow()));
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_EQ(Endpoint().last_error, "503 Said so");
  EXPECT_EQ(Endpoint().last_error_at, clock.WallNow());
  EXPECT_EQ(Endpoint().oldest, sent);
  RunFor(absl::Minutes(5));
  EXPECT_EQ(Endpoint().breaker, "open");
  EXPECT_EQ(Endpoint().oldest, sent);
}

TEST_F(EndpointReportTest, ARowThatWaitsSaysWhy) {
  code = 500;
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_EQ(Waiting().http_status, 500);
  EXPECT_EQ(Waiting().reason, "Said so");
  ASSERT_TRUE(Control(Verb::kPause).ok());
  EXPECT_EQ(Waiting().http_status, 500);
  EXPECT_EQ(Waiting().reason, "paused: because");
  RemoveRoute(kApp);
  EXPECT_EQ(Waiting().reason, "paused, not configured: because");
}

TEST_F(EndpointReportTest, AHeldMethodSaysSinceWhenAndUntilWhen) {
  code = 404;
  Send(StatusEvent("a", "PUBLISHING"));
  const HeldMethodStatus held = Endpoint().held_methods.at(0);
  EXPECT_EQ(held.method, kStreamStatusEvent);
  EXPECT_EQ(held.code, 404);
  EXPECT_EQ(held.since, clock.WallNow());
  EXPECT_GT(held.next_try, clock.WallNow());
  EXPECT_EQ(Waiting().reason, "the method is held: answer 404");
}

// As a transport says it that has no codes.
DeliveryResult HeldFor(const std::string& reason, bool method) {
  DeliveryResult held;
  held.verdict = Verdict::kHold;
  held.hold_method = method;
  held.reason = reason;
  return held;
}

TEST_F(EndpointReportTest, AHoldWithoutACodeTellsItsOwnReason) {
  transport.Run([](const auto&) { return HeldFor("the topic is gone", /*method=*/false); });
  Send(StatusEvent("a", "PUBLISHING"));
  EXPECT_EQ(router->desk().Alerts().at(0).text,
            "the endpoint refuses our events (the topic is gone); its events wait");
  EXPECT_EQ(Endpoint().reason, "the topic is gone");
}

TEST_F(EndpointReportTest, AHoldOfOneMethodWithoutACodeLetsTheOthersThrough) {
  transport.Run([](const auto& a) {
    return a.event.method == kStreamStatusEvent ? HeldFor("may not publish there", /*method=*/true)
                                                : Answered(200);
  });
  Send(StatusEvent("a", "PUBLISHING"));
  Event other = StatusEvent("c", "CONNECTED");
  other.method = kConnectionStatusEvent;
  Send(other);
  EXPECT_EQ(router->Totals().delivered, 1u);
  EXPECT_EQ(Endpoint().state, "ready");
  EXPECT_EQ(Endpoint().held_methods.at(0).reason, "may not publish there");
  EXPECT_EQ(Waiting().reason, "the method is held: may not publish there");
}

}  // namespace
}  // namespace tallybus::testing
