// What a client of tallybus.v1 says, and what becomes of it.
#include "transports/web/tallybus_v1_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "tests/transports/web/fake_line.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TallybusV1ClientTest : public ::testing::Test {
 protected:
  testing::FakeLine line_;
  TallybusV1Client client_{line_};
};

TEST_F(TallybusV1ClientTest, APingIsAnsweredAndAWatchIsAnOrder) {
  client_.Hear(R"({"message":"Ping"})");
  client_.Hear(R"({"message":"Watch","data":[{"session":"s1"}]})");
  client_.Hear(R"({"message":"Unwatch","data":[{"session":"s1"}]})");
  EXPECT_THAT(line_.said, ElementsAre(R"({"message":"Pong"})"));
  ASSERT_THAT(line_.orders, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<tallybus_v1::Watch>(line_.orders[0]));
  EXPECT_TRUE(std::holds_alternative<tallybus_v1::Unwatch>(line_.orders[1]));
  EXPECT_THAT(line_.closed, IsEmpty());
}

TEST_F(TallybusV1ClientTest, WhatIsMalformedEndsTheConnection) {
  client_.Hear("{");
  EXPECT_EQ(line_.closed, "4400 the frame is no JSON object");
  EXPECT_THAT(line_.orders, IsEmpty());
}

TEST_F(TallybusV1ClientTest, WhatItIsToldIsNumberedAndTheRestIsShared) {
  const std::string tail = R"("message":"Snapshot","data":[]})";
  const auto frame = client_.Tell({7, "Snapshot", {}, tail, nullptr});
  EXPECT_EQ(frame->head, R"({"sequence":7,)");
  EXPECT_EQ(frame->tail.data(), tail.data());
  EXPECT_EQ(client_.Ping(), std::nullopt) << "the WebSocket's own will do";
}

}  // namespace
}  // namespace tallybus
