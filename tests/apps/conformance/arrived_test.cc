// What was sent is found in what arrived, whatever the protocol.
#include "apps/conformance/arrived.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Arrival Sent() {
  Arrival sent;
  sent.method = "M";
  sent.event_id = "e-1";
  sent.time = "2026-01-31T23:59:59.123Z";
  sent.lane = "a/\xd0\xb6\r\n%\"";
  sent.lane_sequence = 77;
  sent.attempt = 17;
  sent.redelivery = true;
  return sent;
}

TEST(ArrivedTest, OfAKnownProtocolEachFieldIsCompared) {
  EXPECT_THAT(LacksOf(Sent(), Sent()), IsEmpty());
  Arrival wrong;
  wrong.from_router = true;
  EXPECT_THAT(LacksOf(wrong, Sent()), ElementsAre("method", "id", "time", "lane", "sequence",
                                                  "attempt", "redelivery", "from_router"));
  wrong.body = "a";
  EXPECT_TRUE(HoldsBody(wrong, "a"));
  EXPECT_FALSE(HoldsBody(wrong, "ab"));
}

TEST(ArrivedTest, OfAnUnknownProtocolEachIsSearchedAsItIsInJsonAndPercentEncoded) {
  EXPECT_TRUE(Holds("x a/\xd0\xb6\r\n%\" y", Sent().lane));
  EXPECT_TRUE(Holds("x a/\xd0\xb6\\r\\n%\\\" y", Sent().lane));
  EXPECT_TRUE(Holds("x a%2F%D0%B6%0D%0A%25%22 y", Sent().lane));
  EXPECT_FALSE(Holds("x a/\xd0\xb6 y", Sent().lane));
  Arrival raw;
  raw.bytes = "M e-1 17 body";
  EXPECT_THAT(LacksOf(raw, Sent()), ElementsAre("time", "lane", "sequence"));
  EXPECT_TRUE(HoldsBody(raw, "body"));
  EXPECT_FALSE(HoldsBody(raw, "Body"));
}

TEST(ArrivedTest, ANumberWithinALongerOneIsNotFound) {
  EXPECT_FALSE(Holds("117 170 2172", "17"));
  EXPECT_TRUE(Holds("117 a17b", "17"));
  EXPECT_FALSE(Holds("e-17", "e-1"));
  EXPECT_TRUE(Holds("e-17 e-1", "e-1"));
}

}  // namespace
}  // namespace tallybus::conformance
