// What a batch says of itself.
#include "tallybus/ingress.h"

#include <gtest/gtest.h>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

TEST(IngressBatchTest, ABatchOfChangesHoldsNoEvents) {
  IngressBatch batch;
  EXPECT_EQ(batch.MemoryBytes(), 0u);
  batch.records.emplace_back(SessionChange());
  batch.records.emplace_back(PublisherChange());
  EXPECT_FALSE(batch.HoldsEvents());
  EXPECT_FALSE(batch.HoldsTerminal());
  EXPECT_GT(batch.MemoryBytes(), 0u);
}

TEST(IngressBatchTest, SaysWhetherSomethingEndsInIt) {
  IngressBatch batch;
  batch.records.emplace_back(testing::StatusEvent("a", "PUBLISHING"));
  EXPECT_TRUE(batch.HoldsEvents());
  EXPECT_FALSE(batch.HoldsTerminal());
  batch.records.emplace_back(testing::StatusEvent("a", "UNPUBLISHED"));
  EXPECT_TRUE(batch.HoldsTerminal());
}

TEST(IngressBatchTest, ADeadLetterCountsAsAnEvent) {
  IngressBatch batch;
  batch.records.emplace_back(RejectedRecord());
  EXPECT_TRUE(batch.HoldsEvents());
}

TEST(IngressBatchTest, CountsTheTextOfItsEvents) {
  IngressBatch small, large;
  Event event = testing::StatusEvent("a", "PUBLISHING");
  small.records.emplace_back(event);
  event.json += std::string(1000, ' ');
  large.records.emplace_back(event);
  EXPECT_EQ(large.MemoryBytes(), small.MemoryBytes() + 1000);
}

}  // namespace
}  // namespace tallybus
