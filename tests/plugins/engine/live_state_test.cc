// What a router is told that was not there: open sessions and live streams.
#include "live_state.h"

#include <gtest/gtest.h>

#include <string>

#include "record.h"
#include "tallybus/v1/bus.pb.h"

namespace tallybus::engine {
namespace {

constexpr uint64_t kEpoch = 42;
constexpr size_t kChunk = 256 << 10;

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

class LiveStateTest : public testing::Test {
 protected:
  template <typename Record>
  void Fold(const Record& record) {
    std::string bytes(record.size(), '\0');
    record.WriteTo(reinterpret_cast<uint8_t*>(bytes.data()));
    live_.Fold({++sequence_, Record::kKind, bytes});
  }
  void OpenSession(std::string_view id, std::string_view config = {}) {
    tallybus_session session = {};
    session.session_id = Bytes(id);
    session.rest_client_config = Bytes(config);
    Fold(SessionRecord::Open(session));
  }
  void CloseSession(std::string_view id) {
    tallybus_session session = {};
    session.session_id = Bytes(id);
    Fold(SessionRecord::Close(session));
  }
  void Stream(std::string_view media_session_id, std::string_view status,
              std::string_view sdp = "v=0") {
    tallybus_stream_status event = {};
    event.session_id = Bytes("s");
    event.media_session_id = Bytes(media_session_id);
    event.status = Bytes(status);
    event.sdp = Bytes(sdp);
    event.custom = Bytes("{}");
    Fold(StreamStatusRecord(event, 1));
  }
  v1::State Whole(size_t chunk_bytes = kChunk, int* chunks = nullptr) const {
    v1::State whole;
    LiveState::Progress progress;
    for (;;) {
      const std::string chunk = live_.NextChunk(&progress, chunk_bytes);
      if (chunk.empty()) return whole;
      EXPECT_TRUE(whole.MergeFromString(chunk));
      if (chunks != nullptr) ++*chunks;
    }
  }

  LiveState live_{kEpoch};
  uint64_t sequence_ = 0;
};

TEST_F(LiveStateTest, HasNothingToSayAtFirst) { EXPECT_EQ(Whole().ByteSizeLong(), 0u); }

TEST_F(LiveStateTest, StatesOpenSessionsWithTheirLastConfig) {
  OpenSession("a", "{\"old\":1}");
  OpenSession("b");
  OpenSession("a", "{\"new\":1}");
  CloseSession("b");
  const v1::State state = Whole();
  EXPECT_EQ(state.epoch(), kEpoch);
  ASSERT_EQ(state.sessions_size(), 1);
  EXPECT_EQ(state.sessions(0).session_id(), "a");
  EXPECT_EQ(state.sessions(0).action(), v1::Session::ACTION_OPEN);
  EXPECT_EQ(state.sessions(0).rest_client_config(), "{\"new\":1}");
}

TEST_F(LiveStateTest, StatesTheLastStatusOfALiveStreamWithoutItsSdp) {
  Stream("m", "PENDING");
  Stream("m", "PUBLISHING", std::string(5'000, 'v'));
  const v1::State state = Whole();
  ASSERT_EQ(state.streams_size(), 1);
  const v1::Envelope& stream = state.streams(0);
  EXPECT_EQ(stream.media_session_id(), "m");
  EXPECT_EQ(stream.stream_status().status(), "PUBLISHING");
  EXPECT_FALSE(stream.stream_status().has_sdp());
  EXPECT_EQ(stream.stream_status().custom(), "{}");
  EXPECT_TRUE(stream.stream_status().has_width());
}

TEST_F(LiveStateTest, TakesOutTheSdpAndNothingElse) {
  tallybus_stream_status event = {};
  event.session_id = Bytes("s");
  event.media_session_id = Bytes("m");
  event.name = Bytes("n");
  event.status = Bytes("PLAYING");
  event.custom = Bytes(R"({"a":1})");
  event.info = Bytes("i");
  event.bitrate = -1;
  for (const std::string& sdp : {std::string(), std::string("v=0"), std::string(70'000, 'v')}) {
    event.sdp = Bytes(sdp);
    const StreamStatusRecord record(event, 1);
    std::string bytes(record.size(), '\0');
    record.WriteTo(reinterpret_cast<uint8_t*>(bytes.data()));
    v1::Record whole;
    ASSERT_TRUE(whole.ParseFromString(bytes));
    v1::Envelope expected = whole.event();
    expected.mutable_stream_status()->clear_sdp();
    expected.set_epoch(kEpoch);
    expected.set_sequence(sequence_ + 1);
    Fold(record);
    const v1::State state = Whole();
    ASSERT_EQ(state.streams_size(), 1);
    EXPECT_EQ(state.streams(0).SerializeAsString(), expected.SerializeAsString());
  }
}

TEST_F(LiveStateTest, GivesAStatedStreamTheIdOfItsEvent) {
  Stream("other", "STOPPED");
  Stream("m", "PUBLISHING");
  EXPECT_EQ(Whole().streams(0).epoch(), kEpoch);
  EXPECT_EQ(Whole().streams(0).sequence(), 2u);
}

TEST_F(LiveStateTest, ForgetsAStreamAtItsTerminalStatus) {
  for (const char* status : {"UNPUBLISHED", "STOPPED", "FAILED"}) {
    Stream("m", "PUBLISHING");
    EXPECT_EQ(Whole().streams_size(), 1);
    Stream("m", status);
    EXPECT_EQ(Whole().streams_size(), 0) << status;
  }
}

TEST_F(LiveStateTest, IgnoresARecordThatWasFoldedInBefore) {
  Stream("m", "PUBLISHING");
  Stream("m", "STOPPED");
  sequence_ = 0;
  Stream("m", "PUBLISHING");
  EXPECT_EQ(Whole().streams_size(), 0);
}

TEST_F(LiveStateTest, SaysALotInChunks) {
  for (int i = 0; i < 500; ++i) OpenSession("s" + std::to_string(i), std::string(100, 'c'));
  for (int i = 0; i < 500; ++i) Stream("m" + std::to_string(i), "PLAYING");
  LiveState::Progress progress;
  for (std::string chunk; !(chunk = live_.NextChunk(&progress, 4'096)).empty();) {
    EXPECT_LE(chunk.size(), 4'096u);
  }
  int chunks = 0;
  const v1::State state = Whole(4'096, &chunks);
  EXPECT_GT(chunks, 10);
  EXPECT_EQ(state.sessions_size(), 500);
  EXPECT_EQ(state.streams_size(), 500);
}

TEST_F(LiveStateTest, SaysAnEntryThatIsLargerThanAChunkAlone) {
  OpenSession("large", std::string(10'000, 'c'));
  OpenSession("small");
  int chunks = 0;
  EXPECT_EQ(Whole(1'000, &chunks).sessions_size(), 2);
  EXPECT_EQ(chunks, 2);
}

TEST_F(LiveStateTest, GoesOnWithAStatementWhileItChanges) {
  for (int i = 0; i < 9; ++i) OpenSession("s" + std::to_string(i), std::string(100, 'c'));
  LiveState::Progress progress;
  v1::State said;
  ASSERT_TRUE(said.MergeFromString(live_.NextChunk(&progress, 300)));
  CloseSession("s1");
  CloseSession("s8");
  for (std::string chunk; !(chunk = live_.NextChunk(&progress, 300)).empty();) {
    ASSERT_TRUE(said.MergeFromString(chunk));
  }
  EXPECT_EQ(said.sessions_size(), 8);
}

TEST_F(LiveStateTest, CountsWhatItCannotRemember) {
  LiveState small(kEpoch, 1'000);
  for (uint64_t i = 1; i <= 20; ++i) {
    tallybus_session session = {};
    const std::string id = std::to_string(i);
    session.session_id = Bytes(id);
    const std::string config(90, 'c');
    session.rest_client_config = Bytes(config);
    const SessionRecord record = SessionRecord::Open(session);
    std::string bytes(record.size(), '\0');
    record.WriteTo(reinterpret_cast<uint8_t*>(bytes.data()));
    small.Fold({i, SessionRecord::kKind, bytes});
  }
  EXPECT_GT(small.forgotten(), 5u);
  EXPECT_LT(small.forgotten(), 15u);
}

}  // namespace
}  // namespace tallybus::engine
