// The layout of every struct that crosses the ABI, frozen: fields are only ever added at the end.
#include <gtest/gtest.h>
#include <tallybus/c/engine.h>

#include <cstddef>

namespace {

static_assert(sizeof(void*) == 8, "the figures below are those of a 64-bit machine");

#define EXPECT_OFFSET(type, field, offset) EXPECT_EQ(offsetof(type, field), size_t{offset})

TEST(AbiLayoutTest, KeepsBytesAndStatusCodes) {
  EXPECT_OFFSET(tallybus_bytes, data, 0);
  EXPECT_OFFSET(tallybus_bytes, size, 8);
  EXPECT_EQ(sizeof(tallybus_bytes), 16u);
  EXPECT_EQ(TALLYBUS_OK, 0);
  EXPECT_EQ(TALLYBUS_FULL, 1);
  EXPECT_EQ(TALLYBUS_CLOSED, 2);
  EXPECT_EQ(TALLYBUS_INVALID, 3);
  EXPECT_EQ(TALLYBUS_UNIMPLEMENTED, 4);
  EXPECT_EQ(TALLYBUS_UNAVAILABLE, 5);
  EXPECT_EQ(TALLYBUS_TIMEOUT, 6);
  EXPECT_EQ(TALLYBUS_REFUSED, 7);
}

TEST(AbiLayoutTest, KeepsPublisherOptions) {
  EXPECT_OFFSET(tallybus_publisher_options, struct_size, 0);
  EXPECT_OFFSET(tallybus_publisher_options, endpoint, 8);
  EXPECT_OFFSET(tallybus_publisher_options, node_id, 24);
  EXPECT_OFFSET(tallybus_publisher_options, app_key, 40);
  EXPECT_OFFSET(tallybus_publisher_options, ring_bytes, 56);
  EXPECT_OFFSET(tallybus_publisher_options, curve_server_key, 64);
  EXPECT_OFFSET(tallybus_publisher_options, curve_public_key, 80);
  EXPECT_OFFSET(tallybus_publisher_options, curve_secret_key, 96);
  EXPECT_OFFSET(tallybus_publisher_options, user, 112);
  EXPECT_OFFSET(tallybus_publisher_options, log, 120);
  EXPECT_OFFSET(tallybus_publisher_options, on_state, 128);
  EXPECT_OFFSET(tallybus_publisher_options, on_client_message, 136);
  EXPECT_OFFSET(tallybus_publisher_options, on_command, 144);
  EXPECT_OFFSET(tallybus_publisher_options, on_thread_start, 152);
  EXPECT_OFFSET(tallybus_publisher_options, ask_timeout_ms, 160);
  EXPECT_OFFSET(tallybus_publisher_options, reserved, 164);
  EXPECT_EQ(sizeof(tallybus_publisher_options), 168u);
}

TEST(AbiLayoutTest, KeepsSessionAndJsonEvent) {
  EXPECT_OFFSET(tallybus_session, session_id, 8);
  EXPECT_OFFSET(tallybus_session, app_key, 24);
  EXPECT_OFFSET(tallybus_session, rest_client_config, 40);
  EXPECT_EQ(sizeof(tallybus_session), 56u);
  EXPECT_OFFSET(tallybus_json_event, method, 8);
  EXPECT_OFFSET(tallybus_json_event, app_key, 24);
  EXPECT_OFFSET(tallybus_json_event, session_id, 40);
  EXPECT_OFFSET(tallybus_json_event, media_session_id, 56);
  EXPECT_OFFSET(tallybus_json_event, json, 72);
  EXPECT_OFFSET(tallybus_json_event, flags, 88);
  EXPECT_OFFSET(tallybus_json_event, time_unix_us, 96);
  EXPECT_EQ(sizeof(tallybus_json_event), 104u);
}

TEST(AbiLayoutTest, KeepsStreamStatus) {
  EXPECT_OFFSET(tallybus_stream_status, node_id, 8);
  EXPECT_OFFSET(tallybus_stream_status, app_key, 24);
  EXPECT_OFFSET(tallybus_stream_status, session_id, 40);
  EXPECT_OFFSET(tallybus_stream_status, media_session_id, 56);
  EXPECT_OFFSET(tallybus_stream_status, name, 72);
  EXPECT_OFFSET(tallybus_stream_status, published, 88);
  EXPECT_OFFSET(tallybus_stream_status, has_video, 89);
  EXPECT_OFFSET(tallybus_stream_status, has_audio, 90);
  EXPECT_OFFSET(tallybus_stream_status, status, 96);
  EXPECT_OFFSET(tallybus_stream_status, sdp, 112);
  EXPECT_OFFSET(tallybus_stream_status, record, 128);
  EXPECT_OFFSET(tallybus_stream_status, width, 132);
  EXPECT_OFFSET(tallybus_stream_status, height, 136);
  EXPECT_OFFSET(tallybus_stream_status, bitrate, 140);
  EXPECT_OFFSET(tallybus_stream_status, quality, 144);
  EXPECT_OFFSET(tallybus_stream_status, media_provider, 152);
  EXPECT_OFFSET(tallybus_stream_status, info, 168);
  EXPECT_OFFSET(tallybus_stream_status, has, 184);
  EXPECT_OFFSET(tallybus_stream_status, min_bitrate, 188);
  EXPECT_OFFSET(tallybus_stream_status, audio_bitrate, 204);
  EXPECT_OFFSET(tallybus_stream_status, audio_codec, 208);
  EXPECT_OFFSET(tallybus_stream_status, video_codec, 224);
  EXPECT_OFFSET(tallybus_stream_status, codec_impl, 240);
  EXPECT_OFFSET(tallybus_stream_status, transport, 256);
  EXPECT_OFFSET(tallybus_stream_status, media_type, 272);
  EXPECT_OFFSET(tallybus_stream_status, record_name, 288);
  EXPECT_OFFSET(tallybus_stream_status, history, 304);
  EXPECT_OFFSET(tallybus_stream_status, cvo_extension, 305);
  EXPECT_OFFSET(tallybus_stream_status, create_date, 312);
  EXPECT_OFFSET(tallybus_stream_status, audio_state, 320);
  EXPECT_OFFSET(tallybus_stream_status, video_state, 336);
  EXPECT_OFFSET(tallybus_stream_status, custom, 352);
  EXPECT_OFFSET(tallybus_stream_status, time_unix_us, 368);
  EXPECT_OFFSET(tallybus_stream_status, extra, 376);
  EXPECT_EQ(sizeof(tallybus_stream_status), 392u);
}

TEST(AbiLayoutTest, KeepsStatsAndAnswer) {
  EXPECT_OFFSET(tallybus_stats, published, 8);
  EXPECT_OFFSET(tallybus_stats, acknowledged, 16);
  EXPECT_OFFSET(tallybus_stats, dropped_full, 24);
  EXPECT_OFFSET(tallybus_stats, rejected, 32);
  EXPECT_OFFSET(tallybus_stats, resent, 40);
  EXPECT_OFFSET(tallybus_stats, ring_used, 48);
  EXPECT_OFFSET(tallybus_stats, ring_bytes, 56);
  EXPECT_OFFSET(tallybus_stats, reconnects, 64);
  EXPECT_OFFSET(tallybus_stats, wakeups, 72);
  EXPECT_OFFSET(tallybus_stats, slow_callbacks, 80);
  EXPECT_OFFSET(tallybus_stats, state, 88);
  EXPECT_EQ(sizeof(tallybus_stats), 96u);
  EXPECT_OFFSET(tallybus_answer, status, 8);
  EXPECT_OFFSET(tallybus_answer, reason, 16);
  EXPECT_OFFSET(tallybus_answer, json, 32);
  EXPECT_EQ(sizeof(tallybus_answer), 48u);
}

}  // namespace
