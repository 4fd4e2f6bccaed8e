// Events to try things with.
#include "apps/explanation/sample_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;

TEST(SampleEventsTest, AMethodAFileAndALifeGiveEventsWithPlacesInTheirLanes) {
  SampleEvents samples(absl::UnixEpoch());
  const auto method = samples.Make("StreamStatusEvent", "");
  ASSERT_TRUE(method.ok());
  EXPECT_EQ(method->front().event.status, "PUBLISHING");
  EXPECT_EQ(method->front().lane_sequence, 1);
  const auto life = samples.Make("lifecycle", "");
  ASSERT_EQ(life->size(), 8);
  EXPECT_EQ(life->back().event.status, "DISCONNECTED");

  const config::ScratchDirectory folder;
  const std::string path = folder.path() + "/e.json";
  std::ofstream(path) << "{\"appKey\":\"a\",\"status\":\"X\"}\n";
  const auto file = samples.Make(path, "OtherEvent");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->front().event.method, "OtherEvent");
  EXPECT_EQ(file->front().event.app_key, "a");
}

TEST(SampleEventsTest, AFileThatIsNoEventIsNamed) {
  const config::ScratchDirectory folder;
  const std::string path = folder.path() + "/e.json";
  std::ofstream(path) << "[1]";
  EXPECT_THAT(std::string(SampleEvents(absl::UnixEpoch()).Make(path, "XEvent").status().message()),
              HasSubstr("'" + path + "': "));
}

}  // namespace
}  // namespace tallybus
