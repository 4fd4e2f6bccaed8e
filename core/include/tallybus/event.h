// One fact about a stream, session or call, as the router carries it.
#ifndef TALLYBUS_EVENT_H_
#define TALLYBUS_EVENT_H_

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tallybus {

// Names one event for its whole life: over retries, and on the client's and the backend's side.
struct EventId {
  uint64_t epoch = 0;     // 64 random bits of the publisher's opening; 0: not yet given
  uint64_t sequence = 0;  // from 1 in its epoch

  // "<epoch as 16 lower-case hex digits>-<sequence in decimal>"
  std::string ToString() const;
  friend bool operator==(const EventId&, const EventId&) = default;
};

// The fields that routing needs beside the object itself. A value: immutable once shared.
struct Event {
  EventId id;
  absl::Time time;  // when the engine saw it
  std::string method;
  std::string node_id;
  std::string app_key;
  std::string session_id;        // may be empty: no client topic gets the event
  std::string media_session_id;  // may be empty
  std::string name;              // the stream's, may be empty
  std::string status;            // may be empty
  bool published = false;
  bool terminal = false;
  bool from_router = false;  // made here, not by an engine
  std::string json;          // the whole WCS object, valid UTF-8 JSON

  // Bytes that it costs to keep the event in memory.
  size_t MemoryBytes() const;
};

using EventPtr = std::shared_ptr<const Event>;

inline constexpr std::string_view kStreamStatusEvent = "StreamStatusEvent";
inline constexpr std::string_view kStreamKeepAliveEvent = "StreamKeepAliveEvent";
inline constexpr std::string_view kConnectionStatusEvent = "ConnectionStatusEvent";
inline constexpr std::string_view kErrorEvent = "ErrorEvent";
// Of an Ask: the call whose answer brings a session's restClientConfig.
inline constexpr std::string_view kConnect = "connect";
inline constexpr std::string_view kAlertEvent = "TallybusAlertEvent";
// No event at all: a dead letter that keeps the bytes of a record that a bus could not read.
inline constexpr std::string_view kRejectedRecord = "TallybusRejectedRecord";

// The largest event that is taken, in bytes of its message.
inline constexpr size_t kMaxEventBytes = size_t{1} << 20;

// True for [A-Za-z][A-Za-z0-9_.-]{0,63}: safe as the last segment of a path.
bool IsValidMethod(std::string_view method);

// True where this status ends a stream, session, call, transfer or registration.
bool IsTerminalStatus(std::string_view method, std::string_view status);

// What is delivered in order, one at a time: `app/name` where published is true and there is a
// name; else the media session; else the session; else `app/`. A StreamKeepAliveEvent has a lane of
// its own beside its stream's.
std::string LaneKey(const Event& event);
// The same into a string whose room is used again.
void SetLaneKey(const Event& event, std::string* key);
// What a client gets in order: the lane key, but a StreamKeepAliveEvent is among its stream's.
std::string ClientOrderKey(const Event& event);

// RFC 3339 in UTC with milliseconds: 2026-01-31T23:59:59.123Z.
std::string Rfc3339Millis(absl::Time time);

}  // namespace tallybus

#endif  // TALLYBUS_EVENT_H_
