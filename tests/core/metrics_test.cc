// Named once, counted from any thread.
#include "tallybus/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tallybus {
namespace {

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameCounter) {
  Metrics metrics;
  Counter& counter = metrics.GetCounter("c", "help", {{"route", "a"}});
  counter.Add();
  metrics.GetCounter("c", "other help", {{"route", "a"}}).Add(2);
  EXPECT_EQ(counter.Value(), 3u);
  EXPECT_EQ(metrics.GetCounter("c", "", {{"route", "b"}}).Value(), 0u);
}

TEST(MetricsTest, AGaugeGoesUpAndDown) {
  Metrics metrics;
  Gauge& gauge = metrics.GetGauge("g", "help");
  gauge.Set(5);
  gauge.Add(-7);
  EXPECT_EQ(metrics.GetGauge("g", "").Value(), -2);
}

TEST(MetricsTest, CollectsAllWithTheHelpThatCameFirst) {
  Metrics metrics;
  metrics.GetCounter("b", "help of b", {{"x", "1"}}).Add(4);
  metrics.GetGauge("g", "help of g").Set(-1);
  metrics.GetCounter("a", "help of a").Add();
  metrics.GetCounter("b", "", {{"x", "2"}});
  const auto samples = metrics.Collect();
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].name, "a");
  EXPECT_EQ(samples[1].name, "b");
  EXPECT_EQ(samples[2].name, "b") << "samples of one name stand side by side";
  EXPECT_EQ(samples[2].help, "help of b");
  EXPECT_EQ(samples[1].labels, (Metrics::Labels{{"x", "1"}}));
  EXPECT_EQ(samples[1].value, 4);
  EXPECT_TRUE(samples[1].is_counter);
  EXPECT_FALSE(samples[3].is_counter);
  EXPECT_EQ(samples[3].value, -1);
}

TEST(MetricsTest, CountsFromSeveralThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) metrics.GetCounter("c", "help").Add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.GetCounter("c", "help").Value(), 4000u);
}

}  // namespace
}  // namespace tallybus
