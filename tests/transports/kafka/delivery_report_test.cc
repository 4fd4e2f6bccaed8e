// Reports of librdkafka.
#include "transports/kafka/delivery_report.h"

#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

namespace tallybus::kafka {
namespace {

DeliveryResult Of(int error, bool never_sent = false) {
  return ReadReport(error, never_sent, "kafka://a:9092");
}

TEST(DeliveryReportTest, WhatTheBrokersHaveIsDelivered) {
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR_NO_ERROR).verdict, Verdict::kDelivered);
  EXPECT_TRUE(Of(RD_KAFKA_RESP_ERR_NO_ERROR).status.ok());
}

TEST(DeliveryReportTest, WhatTheyWillNeverTakeIsRejected) {
  for (int error : {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD}) {
    EXPECT_EQ(Of(error).verdict, Verdict::kRejected) << error;
    EXPECT_FALSE(Of(error).reason.empty());
  }
}

TEST(DeliveryReportTest, WhatAnOperatorMustMendIsHeld) {
  for (int error :
       {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED}) {
    EXPECT_EQ(Of(error).verdict, Verdict::kHold) << error;
  }
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR__AUTHENTICATION).verdict, Verdict::kHold);
}

TEST(DeliveryReportTest, EverythingElseIsTriedAgain) {
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT).reason, "timed out");
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN).reason, "connection refused");
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT).reason, "connection reset");
  EXPECT_EQ(Of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS).verdict, Verdict::kRetryLater);
  EXPECT_FALSE(Of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS).status.ok());
  EXPECT_TRUE(Of(RD_KAFKA_RESP_ERR__PURGE_QUEUE, true).never_sent);
}

}  // namespace
}  // namespace tallybus::kafka
