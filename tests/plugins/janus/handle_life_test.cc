// One handle's streams: every media session that starts has exactly one end.
#include "handle_life.h"

#include <gtest/gtest.h>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

constexpr const char* kOffer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";

std::string Said(const HandleLife::Change& change) { return change ? Line(*change) : "nothing"; }

HandleLife Publisher() {
  HandleLife handle("1", "2", false);
  handle.BecomePublisher("5/cam");
  handle.SetRemoteSdp(kOffer);
  return handle;
}

HandleLife Viewer() {
  HandleLife handle("1", "2", false);
  handle.SetRemoteSdp(kOffer);
  return handle;
}

TEST(HandleLifeTest, AHandleThatNeverNegotiatedEndsInSilence) {
  HandleLife handle("1", "2", false);
  handle.BecomePublisher("5/cam");
  EXPECT_EQ(Said(handle.End("", 0)), "nothing");
  EXPECT_EQ(Said(handle.HangUp("Close PC", 0)), "nothing");
  EXPECT_EQ(Said(handle.Close("handle detached", 0)), "nothing");
}

TEST(HandleLifeTest, AFailureIsToldOnce) {
  HandleLife handle = Publisher();
  EXPECT_EQ(Said(handle.HangUp("ICE failed", 0)), "1-2 FAILED 5/cam: ICE failed");
  EXPECT_EQ(Said(handle.HangUp("ICE failed", 0)), "nothing");
  EXPECT_EQ(Said(handle.Close("handle detached", 0)), "nothing");
}

TEST(HandleLifeTest, AFailedAttemptHasTheMediaOfItsOffer) {
  HandleLife handle = Publisher();
  const HandleLife::Change failure = handle.HangUp("ICE failed", 0);
  EXPECT_TRUE(failure->has_audio);
  EXPECT_FALSE(failure->has_video);
}

TEST(HandleLifeTest, TheOldConnectionsHangUpDoesNotFailTheNextPublication) {
  HandleLife handle = Publisher();
  handle.Publish(0);
  handle.ConnectionIsUp(0);
  EXPECT_EQ(Said(handle.End("", 0)), "1-2 UNPUBLISHED 5/cam");
  handle.SetRemoteSdp(kOffer);
  EXPECT_EQ(Said(handle.HangUp("Close PC", 0)), "nothing");
  EXPECT_EQ(Said(handle.Publish(0)), "1-2-2 PUBLISHING 5/cam");
}

TEST(HandleLifeTest, AnotherPublishedOfALiveStreamIsSilent) {
  HandleLife handle = Publisher();
  handle.Publish(0);
  EXPECT_EQ(Said(handle.Publish(0)), "nothing");
}

TEST(HandleLifeTest, ALiveStreamKeepsItsNameToTheEnd) {
  HandleLife handle = Publisher();
  handle.Publish(0);
  handle.BecomePublisher("5/renamed");
  EXPECT_EQ(Said(handle.End("", 0)), "1-2 UNPUBLISHED 5/cam");
}

TEST(HandleLifeTest, AViewerPlaysOnceItIsBothNamedAndUpInEitherOrder) {
  HandleLife named_first = Viewer();
  named_first.BecomeViewer("7");
  EXPECT_EQ(Said(named_first.ViewerIsNamed(0)), "nothing");
  EXPECT_EQ(Said(named_first.ConnectionIsUp(0)), "1-2 PLAYING 7");

  HandleLife up_first = Viewer();
  EXPECT_EQ(Said(up_first.ConnectionIsUp(0)), "nothing");
  up_first.BecomeViewer("7");
  EXPECT_EQ(Said(up_first.ViewerIsNamed(0)), "1-2 PLAYING 7");
}

TEST(HandleLifeTest, AViewerThatSwitchesStopsOneStreamAndPlaysTheNext) {
  HandleLife handle = Viewer();
  handle.BecomeViewer("7");
  handle.ConnectionIsUp(0);
  EXPECT_EQ(Said(handle.EndForSwitch(0)), "1-2 STOPPED 7: switched");
  handle.BecomeViewer("8");
  EXPECT_EQ(Said(handle.ViewerIsNamed(0)), "1-2-2 PLAYING 8");
  EXPECT_EQ(Said(handle.HangUp("Close PC", 0)), "1-2-2 STOPPED 8: Close PC");
}

TEST(HandleLifeTest, APausedViewerIsPausedOnceAndStopsLikeAnyOther) {
  HandleLife handle = Viewer();
  handle.BecomeViewer("7");
  handle.ConnectionIsUp(0);
  EXPECT_EQ(Said(handle.Pause(0)), "1-2 PAUSED 7");
  EXPECT_EQ(Said(handle.Pause(0)), "nothing");
  EXPECT_EQ(Said(handle.End("", 0)), "1-2 STOPPED 7");
}

TEST(HandleLifeTest, AStartAfterStopWithoutANewConnectionPlaysNothing) {
  HandleLife handle = Viewer();
  handle.BecomeViewer("7");
  handle.ConnectionIsUp(0);
  handle.End("", 0);
  EXPECT_EQ(Said(handle.ViewerIsNamed(0)), "nothing");
}

TEST(HandleLifeTest, AnSdpThatNoEventCouldCarryIsLeftOut) {
  HandleLife handle("1", "2", true);
  handle.BecomePublisher("5/cam");
  handle.SetRemoteSdp("v=0\r\n" + std::string(300'000, 'a'));
  EXPECT_EQ(handle.Publish(0)->sdp, "");
  handle.End("", 0);
  handle.SetRemoteSdp(kOffer);
  EXPECT_EQ(handle.Publish(0)->sdp, kOffer);
}

TEST(HandleOfTest, AMediaSessionNamesItsHandle) {
  for (const char* id : {"101-201", "101-201-2"}) {
    const std::optional<HandleName> handle = HandleOf(id);
    ASSERT_TRUE(handle) << id;
    EXPECT_EQ(handle->session_id, "101");
    EXPECT_EQ(handle->handle_id, "201");
  }
}

TEST(HandleOfTest, NothingElseNamesOne) {
  for (const char* id : {"", "101", "101-", "-201", "101-201-", "101-201-2-3", "101/x-201",
                         "101-../..", "101-201-x", "123456789012345678901-1", " 1-2"}) {
    EXPECT_FALSE(HandleOf(id)) << id;
  }
}

}  // namespace
}  // namespace tallybus::janus
