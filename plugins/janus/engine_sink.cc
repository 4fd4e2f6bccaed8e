// Publishes the mapping's events through the engine library.
#include "engine_sink.h"

#include <jansson.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace tallybus::janus {
namespace {

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

struct Free {
  void operator()(char* text) const { std::free(text); }
};

}  // namespace

EngineSink::EngineSink(tallybus_publisher* publisher, std::string node_id, std::string app_key)
    : publisher_(publisher), node_id_(std::move(node_id)), app_key_(std::move(app_key)) {}

tallybus_status EngineSink::Publish(const WcsEvent& event) {
  switch (event.kind) {
    case WcsEvent::Kind::kOpenSession:
      return OpenSession(event);
    case WcsEvent::Kind::kCloseSession:
      return tallybus_session_close(publisher_, Bytes(event.session_id));
    case WcsEvent::Kind::kConnectionStatus:
      return PublishConnection(event);
    case WcsEvent::Kind::kStreamStatus:
      return PublishStream(event);
  }
  return TALLYBUS_INVALID;
}

tallybus_status EngineSink::OpenSession(const WcsEvent& event) {
  tallybus_session session = {};
  session.struct_size = sizeof(session);
  session.session_id = Bytes(event.session_id);
  return tallybus_session_open(publisher_, &session);
}

tallybus_status EngineSink::PublishStream(const WcsEvent& event) {
  tallybus_stream_status stream = {};
  stream.struct_size = sizeof(stream);
  stream.session_id = Bytes(event.session_id);
  stream.media_session_id = Bytes(event.media_session_id);
  stream.name = Bytes(event.name);
  stream.published = event.published;
  stream.has_video = event.has_video;
  stream.has_audio = event.has_audio;
  stream.status = Bytes(event.status);
  stream.sdp = Bytes(event.sdp);
  stream.bitrate = event.bitrate;
  stream.media_provider = Bytes("WebRTC");
  stream.info = Bytes(event.info);
  stream.time_unix_us = event.time_unix_us;
  return tallybus_publish_stream_status(publisher_, &stream);
}

tallybus_status EngineSink::PublishConnection(const WcsEvent& event) {
  json_t* object =
      json_pack("{s:s, s:s, s:s, s:s}", "nodeId", node_id_.c_str(), "appKey", app_key_.c_str(),
                "sessionId", event.session_id.c_str(), "status", event.status.c_str());
  if (!event.info.empty()) json_object_set_new(object, "info", json_string(event.info.c_str()));
  std::unique_ptr<char, Free> text(json_dumps(object, JSON_COMPACT));
  json_decref(object);
  if (text == nullptr) return TALLYBUS_INVALID;

  tallybus_json_event json = {};
  json.struct_size = sizeof(json);
  json.method = Bytes("ConnectionStatusEvent");
  json.app_key = Bytes(app_key_);
  json.session_id = Bytes(event.session_id);
  json.json = Bytes(text.get());
  json.flags = event.IsTerminal() ? TALLYBUS_TERMINAL : 0;
  json.time_unix_us = event.time_unix_us;
  return tallybus_publish_json(publisher_, &json);
}

}  // namespace tallybus::janus
