// Ids, lanes, terminal statuses and method names.
#include "tallybus/event.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

TEST(EventIdTest, IsSixteenLowerCaseHexDigitsAndADecimal) {
  EXPECT_EQ((EventId{0x1a, 7}).ToString(), "000000000000001a-7");
  EXPECT_EQ((EventId{0xFEDCBA9876543210, 10}).ToString(), "fedcba9876543210-10");
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ((EventId{kMax, kMax}).ToString(), "ffffffffffffffff-18446744073709551615");
}

TEST(LaneKeyTest, IsAppAndNameForAPublishedStream) {
  Event event = testing::StatusEvent("b4e7", "PUBLISHING");
  EXPECT_EQ(LaneKey(event), "defaultApp/b4e7");
  event.media_session_id = "another";
  EXPECT_EQ(LaneKey(event), "defaultApp/b4e7") << "reopened under its name it stays in its lane";
}

TEST(LaneKeyTest, IsTheMediaSessionForAPlayedOrNamelessStream) {
  Event event = testing::StatusEvent("b4e7", "PLAYING");
  event.published = false;
  EXPECT_EQ(LaneKey(event), "media-b4e7");
  event.published = true;
  event.name = "";
  EXPECT_EQ(LaneKey(event), "media-b4e7");
}

TEST(LaneKeyTest, TakesThePlaceOfWhatTheStringHeld) {
  Event event = testing::StatusEvent("b4e7", "PUBLISHING");
  std::string key = "what was there before";
  SetLaneKey(event, &key);
  EXPECT_EQ(key, LaneKey(event));
  event.method = kStreamKeepAliveEvent;
  event.name = std::string(300, 'n');
  SetLaneKey(event, &key);
  EXPECT_EQ(key, LaneKey(event));
  EXPECT_EQ(key.size(), 256u);
}

TEST(LaneKeyTest, IsTheSessionElseTheApp) {
  Event event = testing::StatusEvent("", "x");
  event.media_session_id = "";
  EXPECT_EQ(LaneKey(event), "session-1");
  event.session_id = "";
  EXPECT_EQ(LaneKey(event), "defaultApp/");
}

TEST(LaneKeyTest, AKeepAliveHasALaneOfItsOwnBesideItsStreams) {
  Event event = testing::StatusEvent("b4e7", "PUBLISHING");
  event.method = kStreamKeepAliveEvent;
  EXPECT_EQ(LaneKey(event), "StreamKeepAliveEvent/defaultApp/b4e7");
  event.published = false;
  EXPECT_EQ(LaneKey(event), "StreamKeepAliveEvent/media-b4e7");
}

TEST(ClientOrderKeyTest, IsTheLaneButAKeepAliveIsInItsStreams) {
  Event event = testing::StatusEvent("b4e7", "PUBLISHING");
  EXPECT_EQ(ClientOrderKey(event), LaneKey(event));
  event.method = kStreamKeepAliveEvent;
  EXPECT_EQ(ClientOrderKey(event), "defaultApp/b4e7");
  event.name = std::string(1000, 'x');
  EXPECT_LE(ClientOrderKey(event).size(), 256u);
}

TEST(TerminalStatusTest, IsWhatEndsAStreamSessionCallTransferOrRegistration) {
  for (const char* status : {"UNPUBLISHED", "STOPPED", "FAILED"}) {
    EXPECT_TRUE(IsTerminalStatus("StreamStatusEvent", status)) << status;
  }
  EXPECT_TRUE(IsTerminalStatus("ConnectionStatusEvent", "DISCONNECTED"));
  EXPECT_TRUE(IsTerminalStatus("ConnectionStatusEvent", "FAILED"));
  EXPECT_TRUE(IsTerminalStatus("CallStatusEvent", "FINISH"));
  EXPECT_TRUE(IsTerminalStatus("CallStatusEvent", "FAILED"));
  EXPECT_TRUE(IsTerminalStatus("TransferStatusEvent", "COMPLETED"));
  EXPECT_TRUE(IsTerminalStatus("TransferStatusEvent", "FAILED"));
  EXPECT_TRUE(IsTerminalStatus("RegistrationStatusEvent", "UNREGISTERED"));
}

TEST(TerminalStatusTest, IsNothingElse) {
  for (const char* status : {"NEW", "PENDING", "PUBLISHING", "PLAYING", "PAUSED",
                             "PLAYBACK_PROBLEM", "RESIZE", "stopped", "", "DISCONNECTED"}) {
    EXPECT_FALSE(IsTerminalStatus("StreamStatusEvent", status)) << status;
  }
  EXPECT_FALSE(IsTerminalStatus("StreamKeepAliveEvent", "STOPPED"));
  EXPECT_FALSE(IsTerminalStatus("ErrorEvent", "FAILED"));
  EXPECT_FALSE(IsTerminalStatus("DataStatusEvent", "FAILED"));
}

TEST(MethodTest, IsALetterThenUpToSixtyThreeSafeCharacters) {
  for (const std::string& method : {std::string("a"), std::string("StreamStatusEvent"),
                                    std::string("A.b_c-9"), std::string(64, 'x')}) {
    EXPECT_TRUE(IsValidMethod(method)) << method;
  }
  for (const std::string& method :
       {std::string(), std::string("9a"), std::string("_a"), std::string(".a"), std::string("-a"),
        std::string("a/b"), std::string("a b"), std::string("a%2f"), std::string("a\n"),
        std::string("\xc3\xa9v"), std::string("a\0", 2), std::string(65, 'x')}) {
    EXPECT_FALSE(IsValidMethod(method)) << method;
  }
}

TEST(Rfc3339Test, IsUtcWithMilliseconds) {
  EXPECT_EQ(Rfc3339Millis(absl::FromUnixMillis(1'769'903'999'123)), "2026-01-31T23:59:59.123Z");
  EXPECT_EQ(Rfc3339Millis(absl::FromUnixMicros(999)), "1970-01-01T00:00:00.000Z");
}

TEST(EventTest, CostsAtLeastItsText) {
  Event event = testing::StatusEvent("a", "PUBLISHING");
  const size_t before = event.MemoryBytes();
  event.json += std::string(1000, ' ');
  EXPECT_EQ(event.MemoryBytes(), before + 1000);
}

}  // namespace
}  // namespace tallybus
