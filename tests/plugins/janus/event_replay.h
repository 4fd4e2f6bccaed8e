// Feeds recorded events to the mapping, and says what came out as lines that a test can compare.
//
// The recordings under events/ are what Janus 1.1.2 told an event handler, with its long ids
// replaced by short ones (sessions from 101, handles from 201, feeds from 301) and with shorter
// SDP.
#ifndef TALLYBUS_TESTS_PLUGINS_JANUS_EVENT_REPLAY_H_
#define TALLYBUS_TESTS_PLUGINS_JANUS_EVENT_REPLAY_H_

#include <jansson.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "stream_mapping.h"

namespace tallybus::janus {

struct Decref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, Decref>;

inline Json Parse(const std::string& text) {
  Json json(json_loads(text.c_str(), JSON_DECODE_ANY, nullptr));
  if (json == nullptr) throw std::runtime_error("a test's JSON is malformed: " + text);
  return json;
}

inline Json Recording(const std::string& name) {
  const std::string path = std::string(TALLYBUS_JANUS_EVENTS) + "/" + name + ".json";
  Json json(json_load_file(path.c_str(), 0, nullptr));
  if (json == nullptr) throw std::runtime_error("cannot read " + path);
  return json;
}

inline std::vector<WcsEvent> Replay(const std::string& name, StreamMapping& mapping) {
  Json recording = Recording(name);
  std::vector<WcsEvent> all;
  for (size_t i = 0; i < json_array_size(recording.get()); ++i) {
    std::vector<WcsEvent> some = mapping.Map(json_array_get(recording.get(), i));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

inline std::vector<WcsEvent> Replay(const std::string& name, MappingOptions options = {}) {
  StreamMapping mapping(options);
  return Replay(name, mapping);
}

// "open 101", "101 ESTABLISHED", "101-201 PUBLISHING cam", "101-201 FAILED cam: ICE failed".
inline std::string Line(const WcsEvent& event) {
  const std::string info = event.info.empty() ? "" : ": " + event.info;
  switch (event.kind) {
    case WcsEvent::Kind::kOpenSession:
      return "open " + event.session_id;
    case WcsEvent::Kind::kCloseSession:
      return "close " + event.session_id;
    case WcsEvent::Kind::kSurplusSession:
      return "surplus " + event.session_id;
    case WcsEvent::Kind::kConnectionStatus:
      return event.session_id + " " + event.status + info;
    case WcsEvent::Kind::kStreamStatus:
      return event.media_session_id + " " + event.status + " " + event.name + info;
  }
  return "";
}

inline std::vector<std::string> Lines(const std::vector<WcsEvent>& events) {
  std::vector<std::string> lines;
  lines.reserve(events.size());
  for (const WcsEvent& event : events) lines.push_back(Line(event));
  return lines;
}

// The stream events alone.
inline std::vector<WcsEvent> Streams(const std::vector<WcsEvent>& events) {
  std::vector<WcsEvent> streams;
  for (const WcsEvent& event : events) {
    if (event.kind == WcsEvent::Kind::kStreamStatus) streams.push_back(event);
  }
  return streams;
}

}  // namespace tallybus::janus

#endif  // TALLYBUS_TESTS_PLUGINS_JANUS_EVENT_REPLAY_H_
