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

struct AskedConnect {
  Verdicts& verdicts;
  std::string session_id;
};

// [sender] Nobody answered is a no as well: else whoever stops the router lets everybody in.
void TakeAnswer(void* user, const tallybus_answer* answer) {
  const std::unique_ptr<AskedConnect> asked(static_cast<AskedConnect*>(user));
  if (answer->status == TALLYBUS_REFUSED || answer->status == TALLYBUS_TIMEOUT) {
    asked->verdicts.EndSession(asked->session_id, {answer->reason.data, answer->reason.size});
  }
}

}  // namespace

EngineSink::EngineSink(tallybus_publisher* publisher, std::string node_id, std::string app_key,
                       Verdicts* verdicts)
    : publisher_(publisher),
      node_id_(std::move(node_id)),
      app_key_(std::move(app_key)),
      verdicts_(verdicts) {}

tallybus_status EngineSink::Publish(const WcsEvent& event) {
  switch (event.kind) {
    case WcsEvent::Kind::kOpenSession:
      return verdicts_ != nullptr ? AskConnect(event) : OpenSession(event);
    case WcsEvent::Kind::kCloseSession:
      return tallybus_session_close(publisher_, Bytes(event.session_id));
    case WcsEvent::Kind::kSurplusSession:
      Lose(event);
      return TALLYBUS_OK;
    case WcsEvent::Kind::kConnectionStatus:
      return PublishConnection(event);
    case WcsEvent::Kind::kStreamStatus:
      return PublishStream(event);
  }
  return TALLYBUS_INVALID;
}

// A session about which nobody can be asked must not go on as if it had been accepted.
void EngineSink::Lose(const WcsEvent& event) {
  if (verdicts_ == nullptr) return;
  if (event.kind == WcsEvent::Kind::kOpenSession) {
    verdicts_->EndSession(event.session_id, "the bus does not take the question");
  }
  if (event.kind == WcsEvent::Kind::kSurplusSession) {
    verdicts_->EndSession(event.session_id, "too many sessions are open");
  }
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
  const Text text = JsonOf(event.session_id, {{"status", event.status}, {"info", event.info}});
  if (text == nullptr) return TALLYBUS_INVALID;
  tallybus_json_event json = JsonEvent("ConnectionStatusEvent", event, text.get());
  json.flags = event.IsTerminal() ? TALLYBUS_TERMINAL : 0;
  return tallybus_publish_json(publisher_, &json);
}

// The answer frees what is asked for it, and may do so before tallybus_ask returns.
tallybus_status EngineSink::AskConnect(const WcsEvent& event) {
  const Text text = JsonOf(event.session_id, {{"transport", event.transport}});
  if (text == nullptr) return TALLYBUS_INVALID;
  const tallybus_json_event json = JsonEvent("connect", event, text.get());
  auto asked = std::make_unique<AskedConnect>(AskedConnect{*verdicts_, event.session_id});
  AskedConnect* user = asked.release();
  const tallybus_status status = tallybus_ask(publisher_, &json, TakeAnswer, user);
  if (status != TALLYBUS_OK) asked.reset(user);
  return status;
}

EngineSink::Text EngineSink::JsonOf(
    const std::string& session_id,
    std::initializer_list<std::pair<const char*, const std::string&>> members) const {
  json_t* object = json_pack("{s:s, s:s, s:s}", "nodeId", node_id_.c_str(), "appKey",
                             app_key_.c_str(), "sessionId", session_id.c_str());
  for (const auto& [key, value] : members) {
    if (!value.empty()) json_object_set_new(object, key, json_string(value.c_str()));
  }
  Text text(json_dumps(object, JSON_COMPACT));
  json_decref(object);
  return text;
}

tallybus_json_event EngineSink::JsonEvent(std::string_view method, const WcsEvent& event,
                                          const char* text) const {
  tallybus_json_event json = {};
  json.struct_size = sizeof(json);
  json.method = Bytes(method);
  json.app_key = Bytes(app_key_);
  json.session_id = Bytes(event.session_id);
  json.json = Bytes(text);
  json.time_unix_us = event.time_unix_us;
  return json;
}

}  // namespace tallybus::janus
