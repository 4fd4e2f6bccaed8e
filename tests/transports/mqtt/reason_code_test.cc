// Reason codes of MQTT 5.
#include "transports/mqtt/reason_code.h"

#include <gmock/gmock.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

namespace tallybus::mqtt {
namespace {

TEST(ReasonCodeTest, WhatTheBrokerTookIsDelivered) {
  EXPECT_EQ(PublishResult(MQTT_RC_SUCCESS).verdict, Verdict::kDelivered);
  EXPECT_EQ(PublishResult(MQTT_RC_NO_MATCHING_SUBSCRIBERS).verdict, Verdict::kDelivered);
}

TEST(ReasonCodeTest, WhatItWillNeverTakeIsRejected) {
  for (int code :
       {MQTT_RC_PACKET_TOO_LARGE, MQTT_RC_PAYLOAD_FORMAT_INVALID, MQTT_RC_TOPIC_NAME_INVALID}) {
    EXPECT_EQ(PublishResult(code).verdict, Verdict::kRejected) << code;
    EXPECT_FALSE(PublishResult(code).status.ok());
    EXPECT_FALSE(PublishResult(code).reason.empty());
  }
}

TEST(ReasonCodeTest, WhatAnOperatorMustMendIsHeld) {
  EXPECT_EQ(PublishResult(MQTT_RC_NOT_AUTHORIZED).verdict, Verdict::kHold);
  EXPECT_TRUE(PublishResult(MQTT_RC_NOT_AUTHORIZED).hold_method) << "another topic may be allowed";
  EXPECT_FALSE(RefusedResult(MQTT_RC_NOT_AUTHORIZED, "mqtt://a").hold_method);
  for (int code : {MQTT_RC_BAD_USERNAME_OR_PASSWORD, MQTT_RC_NOT_AUTHORIZED, MQTT_RC_BANNED}) {
    EXPECT_EQ(RefusedResult(code, "mqtt://a").verdict, Verdict::kHold) << code;
    EXPECT_TRUE(RefusedResult(code, "mqtt://a").never_sent);
  }
  EXPECT_EQ(RefusedResult(1, "mqtt://a").reason, "the broker does not speak MQTT 5");
}

TEST(ReasonCodeTest, EverythingElseIsTriedAgain) {
  for (int code : {MQTT_RC_UNSPECIFIED, MQTT_RC_QUOTA_EXCEEDED, MQTT_RC_SERVER_BUSY}) {
    EXPECT_EQ(PublishResult(code).verdict, Verdict::kRetryLater) << code;
    EXPECT_EQ(RefusedResult(code, "mqtt://a").verdict, Verdict::kRetryLater) << code;
  }
  // Of the connection, not of the event.
  EXPECT_EQ(RefusedResult(MQTT_RC_PACKET_TOO_LARGE, "mqtt://a").verdict, Verdict::kRetryLater);
}

}  // namespace
}  // namespace tallybus::mqtt
