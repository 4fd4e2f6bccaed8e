// The metrics page as a scraper reads it.
#include "transports/web/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus {
namespace {

using ::testing::HasSubstr;

TEST(MetricsPageTest, WritesEachFamilyOnceWithAllItsSamples) {
  const std::string text = RenderMetrics({
      {"tallybus_events_total", "Events", true, {{"bus", "open"}}, 3},
      {"tallybus_events_total", "Events", true, {{"bus", "engine"}}, 4},
      {"tallybus_waiting", "Waiting", false, {}, -2},
  });
  EXPECT_EQ(text,
            "# HELP tallybus_events_total Events\n"
            "# TYPE tallybus_events_total counter\n"
            "tallybus_events_total{bus=\"open\"} 3\n"
            "tallybus_events_total{bus=\"engine\"} 4\n"
            "# HELP tallybus_waiting Waiting\n"
            "# TYPE tallybus_waiting gauge\n"
            "tallybus_waiting -2\n");
}

TEST(MetricsPageTest, EscapesLabelValues) {
  const std::string text = RenderMetrics({{"m", "h", true, {{"route", "a\"b\\c\nd"}}, 1}});
  EXPECT_THAT(text, HasSubstr(R"(m{route="a\"b\\c\nd"} 1)"));
}

TEST(MetricsPageTest, ShowsTheValuesOfTheMomentUnderThePrometheusContentType) {
  Metrics metrics;
  const WebHandler page = MetricsPage(metrics);
  metrics.GetCounter("tallybus_events_total", "Events").Add(7);
  const HttpAnswer answer = page({});
  EXPECT_THAT(answer.body, HasSubstr("tallybus_events_total 7\n"));
  ASSERT_FALSE(answer.headers.empty());
  EXPECT_EQ(answer.headers[0].second, "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace
}  // namespace tallybus
