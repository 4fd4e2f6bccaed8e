// What reaches the engine library. Its functions are replaced here by ones that write down.
#include "engine_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

struct Call {
  std::string name;
  std::string session_id;
  std::string text;  // the JSON, or the stream's status, id, name and provider
  uint32_t flags = 0;
  int64_t time = 0;
};
std::vector<Call> calls;

std::string Text(tallybus_bytes bytes) { return {bytes.data, bytes.size}; }

}  // namespace

extern "C" {

tallybus_status tallybus_session_open(tallybus_publisher* /*publisher*/,
                                      const tallybus_session* session) {
  calls.push_back({"open", Text(session->session_id), "", 0, 0});
  return TALLYBUS_OK;
}

tallybus_status tallybus_session_close(tallybus_publisher* /*publisher*/,
                                       tallybus_bytes session_id) {
  calls.push_back({"close", Text(session_id), "", 0, 0});
  return TALLYBUS_OK;
}

tallybus_status tallybus_publish_stream_status(tallybus_publisher* /*publisher*/,
                                               const tallybus_stream_status* event) {
  calls.push_back({"stream", Text(event->session_id),
                   Text(event->status) + " " + Text(event->media_session_id) + " " +
                       Text(event->name) + " " + Text(event->media_provider) + " " +
                       Text(event->info) + " " + std::to_string(event->bitrate) +
                       (event->published ? " published" : "") + (event->has_video ? " video" : "") +
                       (event->has_audio ? " audio" : ""),
                   0, event->time_unix_us});
  return TALLYBUS_FULL;
}

tallybus_status tallybus_publish_json(tallybus_publisher* /*publisher*/,
                                      const tallybus_json_event* event) {
  calls.push_back({Text(event->method), Text(event->session_id), Text(event->json), event->flags,
                   event->time_unix_us});
  return TALLYBUS_OK;
}

}  // extern "C"

namespace tallybus::janus {
namespace {

Call Published(const WcsEvent& event, tallybus_status expected = TALLYBUS_OK) {
  calls.clear();
  EngineSink sink(nullptr, "node-1", "live");
  EXPECT_EQ(sink.Publish(event), expected);
  return calls.at(0);
}

WcsEvent Connection(const char* status, const char* info) {
  WcsEvent event;
  event.kind = WcsEvent::Kind::kConnectionStatus;
  event.session_id = "101";
  event.status = status;
  event.info = info;
  event.time_unix_us = 7;
  return event;
}

TEST(EngineSinkTest, AConnectionStatusNamesNodeAppAndSession) {
  const Call call = Published(Connection("ESTABLISHED", ""));
  EXPECT_EQ(call.name, "ConnectionStatusEvent");
  EXPECT_EQ(call.session_id, "101");
  EXPECT_EQ(call.text,
            R"({"nodeId":"node-1","appKey":"live","sessionId":"101","status":"ESTABLISHED"})");
  EXPECT_EQ(call.flags, 0U);
  EXPECT_EQ(call.time, 7);
}

TEST(EngineSinkTest, ADisconnectionIsTerminalAndSaysWhy) {
  const Call call = Published(Connection("DISCONNECTED", "session timed out"));
  EXPECT_EQ(call.flags, static_cast<uint32_t>(TALLYBUS_TERMINAL));
  EXPECT_THAT(call.text, ::testing::EndsWith(R"("info":"session timed out"})"));
}

TEST(EngineSinkTest, AStreamStatusCarriesEveryFieldAndTheLibrarysAnswerComesBack) {
  WcsEvent event;
  event.session_id = "101";
  event.media_session_id = "101-201";
  event.name = "1234/cam-1";
  event.status = "UNPUBLISHED";
  event.info = "kicked";
  event.bitrate = 800;
  event.published = event.has_audio = true;
  const Call call = Published(event, TALLYBUS_FULL);
  EXPECT_EQ(call.text, "UNPUBLISHED 101-201 1234/cam-1 WebRTC kicked 800 published audio");
}

TEST(EngineSinkTest, SessionsAreOpenedAndClosedByTheirId) {
  WcsEvent event;
  event.session_id = "101";
  event.kind = WcsEvent::Kind::kOpenSession;
  EXPECT_EQ(Published(event).name, "open");
  event.kind = WcsEvent::Kind::kCloseSession;
  EXPECT_EQ(Published(event).name, "close");
}

}  // namespace
}  // namespace tallybus::janus
