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

TEST(SampleEventsTest, WhatTheRouterMakesIsItsOwnAndHasThePlaceThatItGives) {
  SampleEvents samples(absl::UnixEpoch(), "media-07");
  for (const char* method : {"ErrorEvent", "TallybusAlertEvent", "TallybusTestEvent",
                             "StreamKeepAliveEvent", "connect", "StreamStatusEvent"}) {
    const std::string name = method;
    const auto made = samples.Make(method, "");
    ASSERT_TRUE(made.ok()) << made.status();
    const Sample& sample = made->front();
    EXPECT_EQ(sample.event.method, name);
    EXPECT_EQ(sample.event.node_id, "media-07") << name;
    EXPECT_EQ(sample.is_call, name == "connect") << name;
    EXPECT_EQ(sample.event.from_router, name != "connect" && name != "StreamStatusEvent") << name;
    EXPECT_EQ(sample.lane_sequence == 0, name == "connect" || name == "TallybusTestEvent") << name;
  }
  EXPECT_TRUE(samples.Of("ErrorEvent", "{}")->event.from_router);
}

TEST(SampleEventsTest, AWordThatIsNeitherAFileNorAMethodIsRefused) {
  const auto made = SampleEvents(absl::UnixEpoch()).Make("StreamStatusEvnt", "");
  EXPECT_THAT(std::string(made.status().message()),
              HasSubstr("did you mean \"StreamStatusEvent\"?"));
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
