// The four frames of the client channel, read and shown.
#include "apps/tallybus/channel_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kFrames = {
    "session//10.0.0.1:80/x", "StreamStatusEvent",
    "{ \"status\": \"FAILED\", \"name\": \"cam\", \"info\": \"why\" }",
    R"({"id":"aa-1","sequence":4,"time":"2026-01-31T23:59:59.123Z"})"};

TEST(ChannelMessageTest, TakesTheSessionFromTheTopicAndTheRestFromTheMetaFrame) {
  const auto message = ReadChannelMessage(kFrames);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->session_id, "/10.0.0.1:80/x");
  EXPECT_EQ(message->sequence, 4u);
  EXPECT_EQ(JsonLine(*message, 2),
            R"({"session":"/10.0.0.1:80/x","message":"StreamStatusEvent","id":"aa-1","sequence":4,)"
            R"("time":"2026-01-31T23:59:59.123Z","missed":2,)"
            R"("body":{"status":"FAILED","name":"cam","info":"why"}})");
}

TEST(ChannelMessageTest, ShowsTheInfoOfErrorEventsOnly) {
  auto message = ReadChannelMessage(kFrames);
  ASSERT_TRUE(message.ok());
  EXPECT_THAT(ReadableLine(*message, false), Not(HasSubstr("info")));
  message->message = "ErrorEvent";
  EXPECT_THAT(ReadableLine(*message, false),
              HasSubstr("FAILED        cam  session /10.0.0.1:80/x  info why  id aa-1"));
  EXPECT_THAT(ReadableLine(*message, true), HasSubstr("[sequence began again]"));
}

TEST(ChannelMessageTest, RefusesFramesThatAreNoMessage) {
  const std::vector<std::pair<size_t, std::string>> broken = {
      {0, "other/s"}, {2, "[]"}, {2, ""}, {3, ""}, {3, "{}"}, {3, R"({"id":1})"}};
  for (const auto& [frame, bytes] : broken) {
    std::vector<std::string> frames = kFrames;
    frames[frame] = bytes;
    EXPECT_FALSE(ReadChannelMessage(frames).ok()) << frame << " " << bytes;
  }
  EXPECT_FALSE(ReadChannelMessage({}).ok());
  std::vector<std::string> five = kFrames;
  five.emplace_back();
  EXPECT_FALSE(ReadChannelMessage(five).ok());
}

}  // namespace
}  // namespace tallybus::cli
