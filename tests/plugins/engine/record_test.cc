// Records, byte by byte against the protobuf runtime.
#include "record.h"

#include <gtest/gtest.h>

#include <climits>
#include <string>

#include "tallybus/v1/bus.pb.h"

namespace tallybus::engine {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000;

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// One byte more than it asked for, to see that it writes no further.
template <typename Record>
std::string Encoded(const Record& record) {
  std::string bytes(record.size() + 1, '#');
  record.WriteTo(reinterpret_cast<uint8_t*>(bytes.data()));
  EXPECT_EQ(bytes.back(), '#');
  bytes.pop_back();
  return bytes;
}

tallybus_stream_status Status(std::string_view status) {
  tallybus_stream_status event = {};
  event.struct_size = sizeof(event);
  event.status = Bytes(status);
  return event;
}

// What an event that sets nothing but its status becomes.
v1::Record Sample(const std::string& status) {
  v1::Record record;
  v1::Envelope& envelope = *record.mutable_event();
  envelope.set_time_unix_us(kNow);
  envelope.set_method("StreamStatusEvent");
  v1::StreamStatus& stream = *envelope.mutable_stream_status();
  stream.set_name("");
  stream.set_published(false);
  stream.set_has_video(false);
  stream.set_has_audio(false);
  stream.set_status(status);
  stream.set_sdp("");
  stream.set_record(false);
  stream.set_width(0);
  stream.set_height(0);
  stream.set_bitrate(0);
  stream.set_quality(0);
  stream.set_media_provider("");
  return record;
}

TEST(RecordTest, WritesTheFieldsOfTheSampleEvenWhereTheyAreEmpty) {
  EXPECT_EQ(Encoded(StreamStatusRecord(Status("PLAYING"), kNow)),
            Sample("PLAYING").SerializeAsString());
}

TEST(RecordTest, MarksTheThreeTerminalStatusesAndNoOther) {
  for (const char* status : {"UNPUBLISHED", "STOPPED", "FAILED"}) {
    v1::Record expected = Sample(status);
    expected.mutable_event()->set_flags(TALLYBUS_TERMINAL);
    const tallybus_stream_status event = Status(status);
    const StreamStatusRecord record(event, kNow);
    EXPECT_TRUE(record.may_use_headroom()) << status;
    EXPECT_EQ(Encoded(record), expected.SerializeAsString());
  }
  for (const char* status : {"PUBLISHING", "PAUSED", "FAILED_", "STOPPE", "stopped"}) {
    const tallybus_stream_status event = Status(status);
    EXPECT_FALSE(StreamStatusRecord(event, kNow).may_use_headroom()) << status;
  }
}

void FillNewerFields(tallybus_stream_status* event, v1::StreamStatus* stream) {
  event->has = 0xff;
  event->min_bitrate = INT_MIN;
  event->max_bitrate = INT_MAX;
  event->gop = 60;
  event->fps = 0;
  event->audio_bitrate = 64'000;
  event->history = true;
  event->create_date = LLONG_MAX;
  stream->set_min_bitrate(INT_MIN);
  stream->set_max_bitrate(INT_MAX);
  stream->set_gop(60);
  stream->set_fps(0);
  stream->set_audio_bitrate(64'000);
  stream->set_history(true);
  stream->set_cvo_extension(false);
  stream->set_create_date(LLONG_MAX);
  event->info = Bytes("info");
  event->audio_codec = Bytes("opus");
  event->video_codec = Bytes("H264");
  event->codec_impl = Bytes("x264");
  event->transport = Bytes("UDP");
  event->media_type = Bytes("publish");
  event->record_name = Bytes("a.mp4");
  event->audio_state = Bytes("{\"muted\":false}");
  event->video_state = Bytes("{\"muted\":true}");
  event->custom = Bytes("{}");
  stream->set_info("info");
  stream->set_audio_codec("opus");
  stream->set_video_codec("H264");
  stream->set_codec_impl("x264");
  stream->set_transport("UDP");
  stream->set_media_type("publish");
  stream->set_record_name("a.mp4");
  stream->set_audio_state("{\"muted\":false}");
  stream->set_video_state("{\"muted\":true}");
  stream->set_custom("{}");
}

TEST(RecordTest, WritesEveryFieldAsTheProtobufRuntimeDoes) {
  v1::Record expected = Sample("PUBLISHING");
  v1::Envelope& envelope = *expected.mutable_event();
  v1::StreamStatus& stream = *envelope.mutable_stream_status();
  tallybus_stream_status event = Status("PUBLISHING");
  const std::string sdp(20'000, 'v');
  event.node_id = Bytes("node-7");
  event.app_key = Bytes("live");
  event.session_id = Bytes("/192.168.1.102:4388/192.168.1.101:8443");
  event.media_session_id = Bytes("56141d10-fddc-11e6-ac3a-4d67d5b3360d");
  event.time_unix_us = -1;
  event.extra = Bytes("\"region\":\"eu\"");
  envelope.set_node_id("node-7");
  envelope.set_app_key("live");
  envelope.set_session_id("/192.168.1.102:4388/192.168.1.101:8443");
  envelope.set_media_session_id("56141d10-fddc-11e6-ac3a-4d67d5b3360d");
  envelope.set_time_unix_us(-1);
  envelope.set_extra("\"region\":\"eu\"");
  event.name = Bytes("b4e7");
  event.published = event.has_video = event.has_audio = event.record = true;
  event.sdp = Bytes(sdp);
  event.width = -1;
  event.height = 1080;
  event.bitrate = INT_MIN;
  event.quality = INT_MAX;
  event.media_provider = Bytes("WebRTC");
  stream.set_name("b4e7");
  stream.set_published(true);
  stream.set_has_video(true);
  stream.set_has_audio(true);
  stream.set_record(true);
  stream.set_sdp(sdp);
  stream.set_width(-1);
  stream.set_height(1080);
  stream.set_bitrate(INT_MIN);
  stream.set_quality(INT_MAX);
  stream.set_media_provider("WebRTC");
  FillNewerFields(&event, &stream);
  EXPECT_EQ(Encoded(StreamStatusRecord(event, kNow)), expected.SerializeAsString());
}

TEST(RecordTest, TellsEmptyFromNoneInTheNewerFields) {
  v1::Record expected = Sample("PLAYING");
  expected.mutable_event()->mutable_stream_status()->set_info("");
  tallybus_stream_status event = Status("PLAYING");
  event.info = Bytes("");
  EXPECT_EQ(Encoded(StreamStatusRecord(event, kNow)), expected.SerializeAsString());
}

TEST(RecordTest, WritesAJsonEventAsTheProtobufRuntimeDoes) {
  tallybus_json_event event = {};
  event.method = Bytes("ConnectionStatusEvent");
  event.json = Bytes("{\"status\":\"DISCONNECTED\"}");
  event.session_id = Bytes("s");
  event.flags = TALLYBUS_TERMINAL;
  v1::Record expected;
  v1::Envelope& envelope = *expected.mutable_event();
  envelope.set_time_unix_us(kNow);
  envelope.set_method("ConnectionStatusEvent");
  envelope.set_session_id("s");
  envelope.set_flags(1);
  envelope.set_json("{\"status\":\"DISCONNECTED\"}");
  const JsonEventRecord record(event, kNow);
  EXPECT_TRUE(record.may_use_headroom());
  EXPECT_EQ(Encoded(record), expected.SerializeAsString());

  event.app_key = Bytes("app");
  event.media_session_id = Bytes("m");
  event.flags = 0;
  event.time_unix_us = 5;
  envelope.set_app_key("app");
  envelope.set_media_session_id("m");
  envelope.set_flags(0);
  envelope.set_time_unix_us(5);
  EXPECT_FALSE(JsonEventRecord(event, kNow).may_use_headroom());
  EXPECT_EQ(Encoded(JsonEventRecord(event, kNow)), expected.SerializeAsString());
}

TEST(RecordTest, WritesACallAsTheProtobufRuntimeDoes) {
  tallybus_json_event event = {};
  event.method = Bytes("connect");
  event.json = Bytes("{}");
  event.session_id = Bytes("s");
  v1::Record expected;
  expected.mutable_connect()->set_call(300);
  expected.mutable_connect()->set_timeout_ms(11'000);
  v1::Envelope& envelope = *expected.mutable_connect()->mutable_event();
  envelope.set_time_unix_us(kNow);
  envelope.set_method("connect");
  envelope.set_session_id("s");
  envelope.set_json("{}");
  const ConnectRecord record(300, event, kNow, 11'000'000);
  EXPECT_FALSE(record.may_use_headroom());
  EXPECT_EQ(Encoded(record), expected.SerializeAsString());
  // The router counts from the event's time.
  event.time_unix_us = kNow - 2'000'000;
  envelope.set_time_unix_us(kNow - 2'000'000);
  expected.mutable_connect()->set_timeout_ms(13'000);
  EXPECT_EQ(Encoded(ConnectRecord(300, event, kNow, 11'000'000)), expected.SerializeAsString());
}

TEST(RecordTest, WritesSessionsAsTheProtobufRuntimeDoes) {
  tallybus_session session = {};
  session.session_id = Bytes("s");
  v1::Record expected;
  expected.mutable_session()->set_session_id("s");
  expected.mutable_session()->set_action(v1::Session::ACTION_CLOSE);
  EXPECT_EQ(Encoded(SessionRecord::Close(session)), expected.SerializeAsString());
  expected.mutable_session()->set_action(v1::Session::ACTION_OPEN);
  EXPECT_EQ(Encoded(SessionRecord::Open(session)), expected.SerializeAsString());
  session.app_key = Bytes("live");
  session.rest_client_config = Bytes("{}");
  expected.mutable_session()->set_app_key("live");
  expected.mutable_session()->set_rest_client_config("{}");
  EXPECT_EQ(Encoded(SessionRecord::Open(session)), expected.SerializeAsString());
}

TEST(RecordTest, WritesByeAsTheProtobufRuntimeDoes) {
  v1::Record expected;
  expected.mutable_bye();
  EXPECT_EQ(Encoded(ByeRecord()), expected.SerializeAsString());
}

}  // namespace
}  // namespace tallybus::engine
