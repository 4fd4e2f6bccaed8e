// JetStream's answers.
#include "transports/nats/publish_ack.h"

#include <gmock/gmock.h>

namespace tallybus::nats {
namespace {

using ::testing::HasSubstr;

DeliveryResult Error(int number, const std::string& phrase) {
  return ReadAck(R"({"type":"io.nats.jetstream.api.v1.pub_ack_response","error":{"code":400,)"
                 R"("err_code":)" +
                 std::to_string(number) + R"(,"description":")" + phrase +
                 R"("},"stream":"EVENTS","seq":0})");
}

TEST(PublishAckTest, WhatIsInTheStreamIsDelivered) {
  EXPECT_EQ(ReadAck(R"({"stream":"EVENTS","seq":7})").verdict, Verdict::kDelivered);
  EXPECT_EQ(ReadAck(R"({"stream":"EVENTS","seq":7,"duplicate":true})").verdict,
            Verdict::kDelivered);
}

TEST(PublishAckTest, WhatIsTooLargeIsRejected) {
  for (int number : {10054, 10097}) {
    EXPECT_EQ(Error(number, "too large").verdict, Verdict::kRejected);
  }
  EXPECT_EQ(Error(10054, "message size exceeds maximum allowed").reason,
            "message size exceeds maximum allowed");
}

TEST(PublishAckTest, WhatAnOperatorMustMendIsHeld) {
  for (int number : {10039, 10076, 10109}) EXPECT_EQ(Error(number, "no").verdict, Verdict::kHold);
  EXPECT_TRUE(Error(10109, "sealed").hold_method) << "other subjects have other streams";
  EXPECT_FALSE(Error(10039, "not for this account").hold_method);
}

TEST(PublishAckTest, ASubjectWithoutAStreamIsTriedAgainSinceAServerThatStartsHasNoneYet) {
  EXPECT_EQ(NoStream().verdict, Verdict::kRetryLater);
  EXPECT_THAT(std::string(NoStream().status.message()), HasSubstr("add a stream"));
}

TEST(PublishAckTest, EveryOtherErrorIsTriedAgain) {
  const DeliveryResult full = Error(10077, "maximum messages exceeded");
  EXPECT_EQ(full.verdict, Verdict::kRetryLater);
  EXPECT_EQ(full.reason, "maximum messages exceeded");
  EXPECT_THAT(std::string(full.status.message()), HasSubstr("10077"));
  EXPECT_FALSE(full.never_sent);
}

TEST(PublishAckTest, WhatIsNoAcknowledgementIsNoDelivery) {
  for (const char* bytes :
       {"", "{}", "+OK", "[]", R"({"seq":0})", R"({"seq":"7"})", R"({"error")"}) {
    EXPECT_EQ(ReadAck(bytes).verdict, Verdict::kRetryLater) << bytes;
    EXPECT_FALSE(ReadAck(bytes).status.ok()) << bytes;
  }
}

TEST(PublishAckTest, TheServersPhraseIsCleanedAndCut) {
  EXPECT_EQ(Error(1, "a\\nb\\u0436").reason, "a?b??");
  EXPECT_EQ(Error(1, std::string(1000, 'x')).reason.size(), 256u);
}

}  // namespace
}  // namespace tallybus::nats
