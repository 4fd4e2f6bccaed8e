// What the mapping makes of recorded events of a real Janus.
#include "stream_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<WcsEvent> MapText(StreamMapping& mapping, const std::string& text) {
  return mapping.Map(Parse(text).get());
}

TEST(StreamMappingTest, APublicationRunsFromEstablishedToDisconnected) {
  EXPECT_THAT(Lines(Replay("publish")),
              ElementsAre("open 101", "101 ESTABLISHED", "101-201 PUBLISHING 1234/cam-1",
                          "101-201 UNPUBLISHED 1234/cam-1", "101 DISCONNECTED: session destroyed",
                          "close 101"));
}

TEST(StreamMappingTest, APublisherIsPublishedWithTheMediaOfItsStreams) {
  const WcsEvent event = Streams(Replay("publish")).front();
  EXPECT_EQ(event.session_id, "101");
  EXPECT_TRUE(event.published);
  EXPECT_TRUE(event.has_video);
  EXPECT_TRUE(event.has_audio);
  EXPECT_EQ(event.time_unix_us, 1795293645077579);
}

TEST(StreamMappingTest, TheEndCarriesTheLastKnownBitrate) {
  const std::vector<WcsEvent> streams = Streams(Replay("publish"));
  EXPECT_EQ(streams.front().bitrate, 0);
  EXPECT_EQ(streams.back().bitrate, (13941 + 763) * 8);
}

TEST(StreamMappingTest, UnpublishedThreeTimesAndAHangUpEndAStreamOnce) {
  EXPECT_THAT(Lines(Streams(Replay("unpublished_three_times"))),
              ElementsAre("101-201 PUBLISHING 1234/cam-1", "101-201 UNPUBLISHED 1234/cam-1"));
}

TEST(StreamMappingTest, AnotherPublicationOfAHandleAppendsItsNumber) {
  EXPECT_THAT(Lines(Streams(Replay("publish_three_times"))),
              ElementsAre("101-201 PUBLISHING 1234/cam-1", "101-201 UNPUBLISHED 1234/cam-1",
                          "101-201-2 PUBLISHING 1234/cam-1", "101-201-2 UNPUBLISHED 1234/cam-1",
                          "101-201-3 FAILED 1234/cam-1: handle detached"));
}

TEST(StreamMappingTest, AHangUpBeforePublishingIsAFailureWithItsReason) {
  EXPECT_THAT(Lines(Streams(Replay("ice_failed"))),
              ElementsAre("101-201 FAILED 1234/cam-1: ICE failed"));
}

TEST(StreamMappingTest, ADetachBeforePublishingIsAFailure) {
  EXPECT_THAT(Lines(Streams(Replay("detached_while_connecting"))),
              ElementsAre("101-201 FAILED 1234/cam-1: handle detached"));
}

TEST(StreamMappingTest, ASubscriberPlaysAndStopsUnderTheNameOfItsFeed) {
  EXPECT_THAT(
      Lines(Streams(Replay("subscribe_twice"))),
      ElementsAre("101-201 PUBLISHING 1234/cam-1", "102-202 PLAYING 1234/cam-1",
                  "102-202 STOPPED 1234/cam-1", "102-203 PLAYING 1234/cam-1",
                  "101-201 UNPUBLISHED 1234/cam-1", "102-203 STOPPED 1234/cam-1: DTLS alert"));
}

TEST(StreamMappingTest, ASubscriberIsNoPublisherAndHasTheMediaOfItsAnswer) {
  const WcsEvent event = Streams(Replay("subscribe_twice")).at(1);
  EXPECT_FALSE(event.published);
  EXPECT_TRUE(event.has_video);
  EXPECT_TRUE(event.has_audio);
}

TEST(StreamMappingTest, ASubscribersBitrateIsWhatItIsSent) {
  EXPECT_EQ(Streams(Replay("subscribe_twice")).at(2).bitrate, (13733 + 764) * 8);
}

TEST(StreamMappingTest, AViewerOfAMountpointPlaysPausesAndStopsUnderItsId) {
  EXPECT_THAT(
      Lines(Streams(Replay("watch_mountpoint_twice"))),
      ElementsAre("101-201 PLAYING 7", "101-201 PAUSED 7", "101-201 PLAYING 7", "101-201 STOPPED 7",
                  "101-201-2 PLAYING 7", "101-201-2 STOPPED 7: DTLS alert"));
}

TEST(StreamMappingTest, AViewerHasTheMediaThatItsAnswerAccepts) {
  const WcsEvent event = Streams(Replay("watch_mountpoint_twice")).front();
  EXPECT_FALSE(event.has_video);
  EXPECT_TRUE(event.has_audio);
}

TEST(StreamMappingTest, AStreamEndsBeforeItsDestroyedSession) {
  EXPECT_THAT(Lines(Replay("session_destroyed_while_publishing")),
              ElementsAre("open 101", "101 ESTABLISHED", "101-201 PUBLISHING 1234/cam-1",
                          "101-201 UNPUBLISHED 1234/cam-1: session destroyed",
                          "101 DISCONNECTED: session destroyed", "close 101"));
}

TEST(StreamMappingTest, ASessionThatTimesOutIsDisconnectedOnceAfterItsStream) {
  EXPECT_THAT(Lines(Replay("session_timed_out_while_publishing")),
              ElementsAre("open 101", "101 ESTABLISHED", "101-201 PUBLISHING 1234/cam-1",
                          "101-201 UNPUBLISHED 1234/cam-1", "101 DISCONNECTED: session timed out",
                          "close 101"));
}

// Janus reports no "unpublished" for a room that is destroyed. Its publishers have no display.
TEST(StreamMappingTest, ADestroyedRoomAndAKickEndTheirPublishers) {
  EXPECT_THAT(Lines(Streams(Replay("room_destroyed_then_kicked"))),
              ElementsAre("101-202 PUBLISHING 77/301", "101-202 UNPUBLISHED 77/301: Close PC",
                          "101-203 PUBLISHING 78/302", "101-203 UNPUBLISHED 78/302: kicked"));
}

TEST(StreamMappingTest, ADetachWithoutUnpublishedEndsTheStream) {
  Json recording = Recording("publish");
  StreamMapping mapping({});
  std::vector<WcsEvent> events;
  for (size_t i = 0; i < json_array_size(recording.get()); ++i) {
    const json_t* event = json_array_get(recording.get(), i);
    if (json_integer_value(json_object_get(event, "type")) == kPluginEvent &&
        json_object_get(event, "handle_id") == nullptr) {
      continue;  // "unpublished" and "leaving" name no handle
    }
    for (const WcsEvent& mapped : mapping.Map(event)) {
      if (mapped.kind == WcsEvent::Kind::kStreamStatus) events.push_back(mapped);
    }
  }
  EXPECT_THAT(Lines(events), ElementsAre("101-201 PUBLISHING 1234/cam-1",
                                         "101-201 UNPUBLISHED 1234/cam-1: DTLS alert"));
}

TEST(StreamMappingTest, TheSdpIsCarriedWhereItIsAskedFor) {
  for (const WcsEvent& event : Replay("publish")) EXPECT_EQ(event.sdp, "");
  for (const WcsEvent& event : Streams(Replay("publish", {.sdp = true}))) {
    EXPECT_THAT(event.sdp, ::testing::StartsWith("v=0\r\n")) << event.status;
  }
}

TEST(StreamMappingTest, WithoutSessionsStreamsAloneAreTold) {
  EXPECT_THAT(Lines(Replay("session_destroyed_while_publishing", {.sessions = false})),
              ElementsAre("101-201 PUBLISHING 1234/cam-1",
                          "101-201 UNPUBLISHED 1234/cam-1: session destroyed"));
}

TEST(StreamMappingTest, WithoutStreamsSessionsAloneAreTold) {
  const MappingOptions options{.streams = false};
  EXPECT_THAT(Lines(Replay("publish", options)),
              ElementsAre("open 101", "101 ESTABLISHED", "101 DISCONNECTED: session destroyed",
                          "close 101"));
  EXPECT_EQ(StreamMapping(options).EventMask(), kSessionEvent);
}

TEST(StreamMappingTest, ShuttingDownEndsWhatIsLive) {
  StreamMapping mapping({});
  Json recording = Recording("publish");
  size_t published = 0;
  for (size_t i = 0; published == 0; ++i) {
    published = Streams(mapping.Map(json_array_get(recording.get(), i))).size();
  }
  EXPECT_THAT(Lines(mapping.EndAll("Janus shut down", 5)),
              ElementsAre("101-201 UNPUBLISHED 1234/cam-1: Janus shut down",
                          "101 DISCONNECTED: Janus shut down", "close 101"));
  EXPECT_THAT(mapping.EndAll("again", 6), IsEmpty());
}

TEST(StreamMappingTest, NothingIsRememberedOfWhatIsOver) {
  StreamMapping mapping({});
  for (const char* name : {"publish", "publish_three_times", "unpublished_three_times",
                           "ice_failed", "session_destroyed_while_publishing",
                           "session_timed_out_while_publishing", "detached_while_connecting"}) {
    Replay(name, mapping);
    EXPECT_EQ(mapping.session_count(), 0U) << name;
    EXPECT_EQ(mapping.handle_count(), 0U) << name;
    EXPECT_EQ(mapping.feed_count(), 0U) << name;
  }
}

TEST(StreamMappingTest, OverItsLimitsItIgnoresWhatOpensAndCountsIt) {
  StreamMapping mapping({.max_sessions = 2, .max_handles = 1});
  for (int id = 1; id <= 3; ++id) {
    const std::string session = R"("session_id":)" + std::to_string(id);
    MapText(mapping, R"({"type":1,)" + session + R"(,"event":{"name":"created"}})");
    MapText(mapping, R"({"type":2,"handle_id":9,)" + session +
                         R"(,"event":{"name":"attached","plugin":"janus.plugin.videoroom"}})");
  }
  EXPECT_EQ(mapping.session_count(), 2U);
  EXPECT_EQ(mapping.handle_count(), 1U);
  EXPECT_EQ(mapping.refused(), 2U);
}

TEST(StreamMappingTest, WhereItMattersASessionOverTheLimitIsTold) {
  StreamMapping mapping({.surplus = true, .max_sessions = 0});
  const Json event = Parse(R"({"type":1,"session_id":101,"event":{"name":"created"}})");
  EXPECT_EQ(Lines(mapping.Map(event.get())), std::vector<std::string>{"surplus 101"});
}

TEST(StreamMappingTest, ASessionNamesItsTransport) {
  StreamMapping mapping({});
  const Json event = Parse(R"({"type":1,"session_id":101,"event":{"name":"created",
                              "transport":{"transport":"janus.transport.http","id":"0x1"}}})");
  EXPECT_EQ(mapping.Map(event.get()).at(0).transport, "janus.transport.http");
}

TEST(StreamMappingTest, HandlesOfOtherPluginsAreIgnored) {
  StreamMapping mapping({});
  MapText(mapping, R"({"type":1,"session_id":1,"event":{"name":"created"}})");
  MapText(mapping, R"({"type":2,"session_id":1,"handle_id":2,
                       "event":{"name":"attached","plugin":"janus.plugin.echotest"}})");
  EXPECT_EQ(mapping.handle_count(), 0U);
}

// A feed id is free once its participant has left, even while that one's handle stays attached.
TEST(StreamMappingTest, AFeedIdThatChangedHandsEndsItsNewOwnersStream) {
  StreamMapping mapping({});
  const std::string room = R"("event":{"plugin":"janus.plugin.videoroom","data":)";
  auto attach_and_join = [&](const char* handle) {
    std::string origin = R"("session_id":1,"handle_id":)";
    origin.append(handle).append(",");
    MapText(mapping, R"({"type":2,)" + origin +
                         R"("event":{"name":"attached","plugin":"janus.plugin.videoroom"}})");
    MapText(mapping, R"({"type":64,)" + origin + room + R"({"event":"joined","room":5,"id":6}}})");
  };
  MapText(mapping, R"({"type":1,"session_id":1,"event":{"name":"created"}})");
  attach_and_join("2");
  MapText(mapping, R"({"type":64,)" + room + R"({"event":"leaving","room":5,"id":6}}})");
  attach_and_join("3");
  MapText(mapping, R"({"type":64,"session_id":1,"handle_id":3,)" + room +
                       R"({"event":"published","room":5,"id":6,"streams":[]}}})");
  MapText(mapping, R"({"type":2,"session_id":1,"handle_id":2,"event":{"name":"detached"}})");
  EXPECT_THAT(Lines(MapText(mapping, R"({"type":64,)" + room +
                                         R"({"event":"unpublished","room":5,"id":6}}})")),
              ElementsAre("1-3 UNPUBLISHED 5/6"));
}

TEST(StreamMappingTest, RoomsAndFeedsWithTextIdsAreNamedByThem) {
  StreamMapping mapping({});
  const std::string origin = R"("session_id":1,"handle_id":2,)";
  MapText(mapping, R"({"type":1,"session_id":1,"event":{"name":"created"}})");
  MapText(mapping, R"({"type":2,)" + origin +
                       R"("event":{"name":"attached","plugin":"janus.plugin.videoroom"}})");
  EXPECT_THAT(Lines(MapText(mapping, R"({"type":64,)" + origin +
                                         R"("event":{"plugin":"janus.plugin.videoroom","data":
                                 {"event":"published","room":"studio","id":"alice"}}})")),
              ElementsAre("1-2 PUBLISHING studio/alice"));
}

// Each recorded event that makes an end is one of which that is foretold.
TEST(StreamMappingTest, AnEventThatEndsSomethingIsKnownBeforeItIsMapped) {
  size_t ends = 0;
  size_t all = 0;
  for (const char* name :
       {"session_timed_out_while_publishing", "subscribe_twice", "detached_while_connecting",
        "ice_failed", "session_destroyed_while_publishing", "publish", "room_destroyed_then_kicked",
        "watch_mountpoint_twice", "unpublished_three_times"}) {
    const Json recording = Recording(name);
    StreamMapping mapping({});
    for (size_t i = 0; i < json_array_size(recording.get()); ++i) {
      const json_t* event = json_array_get(recording.get(), i);
      ++all;
      for (const WcsEvent& told : mapping.Map(event)) {
        if (!told.IsTerminal()) continue;
        ++ends;
        EXPECT_TRUE(MayEnd(event)) << name << " " << i;
      }
    }
  }
  EXPECT_GT(ends, 15U);
  EXPECT_GT(all, 10 * ends);
}

TEST(StreamMappingTest, WhatEndsNothingIsKnown) {
  EXPECT_FALSE(MayEnd(Parse("{}").get()));
  EXPECT_FALSE(MayEnd(Parse("[]").get()));
  EXPECT_FALSE(MayEnd(Parse(R"({"type":1,"event":{"name":"created"}})").get()));
  EXPECT_FALSE(MayEnd(Parse(R"({"type":2,"event":{"name":"attached"}})").get()));
  EXPECT_FALSE(MayEnd(Parse(R"({"type":16,"event":{"connection":"webrtcup"}})").get()));
  EXPECT_FALSE(MayEnd(Parse(R"({"type":32,"event":{"name":"detached"}})").get()));
  EXPECT_FALSE(MayEnd(Parse(R"({"type":64,"event":{"data":{"event":"published"}}})").get()));
  EXPECT_TRUE(MayEnd(Parse(R"({"type":64,"event":{"data":{"status":"switching"}}})").get()));
}

TEST(MayBeginOrEndTest, ABeginningCountsToo) {
  EXPECT_TRUE(MayBeginOrEnd(Parse(R"({"type":1,"event":{"name":"created"}})").get()));
  EXPECT_TRUE(MayBeginOrEnd(Parse(R"({"type":1,"event":{"name":"destroyed"}})").get()));
  EXPECT_FALSE(MayBeginOrEnd(Parse(R"({"type":2,"event":{"name":"created"}})").get()));
}

}  // namespace
}  // namespace tallybus::janus
