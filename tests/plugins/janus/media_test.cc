// Which media a stream carries, and its bitrate.
#include "media.h"

#include <gtest/gtest.h>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

TEST(MediaTest, SectionsOfAnSdpAreItsMedia) {
  const Media media = MediaOfSdp("v=0\r\nm=audio 9 X 0\r\na=mid:0\r\nm=video 9 X 96\r\n");
  EXPECT_TRUE(media.audio);
  EXPECT_TRUE(media.video);
}

TEST(MediaTest, RefusedAndInactiveSectionsAreNot) {
  const Media media = MediaOfSdp("m=audio 0 X 0\r\nm=video 9 X 96\r\na=inactive\r\n");
  EXPECT_FALSE(media.audio);
  EXPECT_FALSE(media.video);
}

TEST(MediaTest, OneActiveSectionOfSeveralIsEnough) {
  EXPECT_TRUE(MediaOfSdp("m=video 9 X 96\nm=video 0 X 96\nm=application 9 X y").video);
}

TEST(MediaTest, WhatIsNoSdpHasNoMedia) {
  for (const char* text : {"", "\n", "m=", "m=video", "m=video ", "\r\r\n\n"}) {
    EXPECT_FALSE(MediaOfSdp(text).audio) << text;
  }
}

TEST(MediaTest, DisabledStreamsDoNotCount) {
  const Media media = MediaOfStreams(Parse(R"([{"type":"audio"},{"type":"data"},
                                               {"type":"video","disabled":true}])")
                                         .get());
  EXPECT_TRUE(media.audio);
  EXPECT_FALSE(media.video);
}

TEST(BitrateTest, AddsTheLastOfEachMedium) {
  Bitrate bitrate;
  bitrate.Take(Parse(R"({"mid":"0","media":"audio","in":100})").get(), "in");
  bitrate.Take(Parse(R"({"mid":"1","media":"video","in":900})").get(), "in");
  bitrate.Take(Parse(R"({"mid":"1","media":"video","in":1000,"out":5})").get(), "in");
  EXPECT_EQ(bitrate.BitsPerSecond(), 8 * 1100);
  bitrate.Clear();
  EXPECT_EQ(bitrate.BitsPerSecond(), 0);
}

TEST(BitrateTest, TakesCombinedStatistics) {
  Bitrate bitrate;
  bitrate.Take(Parse(R"([{"mid":"0","in":1},{"mid":"1","in":2},[],7])").get(), "in");
  EXPECT_EQ(bitrate.BitsPerSecond(), 24);
}

TEST(BitrateTest, StaysInRangeAndBounded) {
  Bitrate bitrate;
  for (int mid = 0; mid < 1000; ++mid) {
    bitrate.Take(
        Parse(R"({"mid":")" + std::to_string(mid) + R"(","in":9000000000000000000})").get(), "in");
  }
  EXPECT_EQ(bitrate.BitsPerSecond(), INT32_MAX);
  Bitrate negative;
  negative.Take(Parse(R"({"mid":"0","in":-5})").get(), "in");
  EXPECT_EQ(negative.BitsPerSecond(), 0);
}

}  // namespace
}  // namespace tallybus::janus
