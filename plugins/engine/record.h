// What the ring holds: a Record message each, encoded in place.
//
// Each class borrows its argument, measures it when it is made, and writes exactly size() bytes.
// An event carries no epoch and no sequence: the EVENTS message that takes it along gives both. A
// node_id or app_key that is none is left out: the router knows the publisher's from its HELLO.
#ifndef TALLYBUS_PLUGINS_ENGINE_RECORD_H_
#define TALLYBUS_PLUGINS_ENGINE_RECORD_H_

#include <tallybus/c/engine.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ring.h"

namespace tallybus::engine {

inline std::string_view View(tallybus_bytes bytes) { return {bytes.data, bytes.size}; }
inline bool IsSet(tallybus_bytes bytes) { return bytes.data != nullptr; }

// Whether any of the fields is set that are newer than the WCS sample, or looks like it.
bool HasNewerFields(const tallybus_stream_status& event);

// An event, its JSON and its name included, is at most this large.
constexpr size_t kLargestEvent = size_t{1} << 20;

// A StreamStatusEvent.
class StreamStatusRecord {
 public:
  static constexpr RecordKind kKind = RecordKind::kStreamStatus;

  // now_us: its time where the event has none.
  StreamStatusRecord(const tallybus_stream_status& event, int64_t now_us);
  size_t size() const { return size_; }
  bool may_use_headroom() const { return terminal_; }
  void WriteTo(uint8_t* out) const;

 private:
  template <typename Out>
  void Before(Out& out) const;

  const tallybus_stream_status& event_;
  const int64_t time_us_;
  const bool terminal_;
  const bool has_newer_;
  size_t payload_size_;
  size_t envelope_size_;
  size_t size_;
};

// Any other event.
class JsonEventRecord {
 public:
  static constexpr RecordKind kKind = RecordKind::kJsonEvent;

  JsonEventRecord(const tallybus_json_event& event, int64_t now_us);
  size_t size() const { return size_; }
  bool may_use_headroom() const { return (event_.flags & TALLYBUS_TERMINAL) != 0; }
  void WriteTo(uint8_t* out) const;

 private:
  const tallybus_json_event& event_;
  const int64_t time_us_;
  size_t envelope_size_;
  size_t size_;
};

// A call that the backend may refuse.
class ConnectRecord {
 public:
  static constexpr RecordKind kKind = RecordKind::kConnect;

  ConnectRecord(uint64_t call, const tallybus_json_event& event, int64_t now_us,
                int64_t timeout_us);
  size_t size() const { return size_; }
  bool may_use_headroom() const { return false; }
  void WriteTo(uint8_t* out) const;

 private:
  const uint64_t call_;
  const tallybus_json_event& event_;
  const int64_t time_us_;
  const uint64_t timeout_ms_;
  size_t envelope_size_;
  size_t connect_size_;
  size_t size_;
};

// A session that opens or closes. Both may use the head-room: events that follow depend on them.
class SessionRecord {
 public:
  static constexpr RecordKind kKind = RecordKind::kSession;

  static SessionRecord Open(const tallybus_session& session) { return {1, session}; }
  // `session` gives the session_id.
  static SessionRecord Close(const tallybus_session& session) { return {3, session}; }
  size_t size() const { return size_; }
  bool may_use_headroom() const { return true; }
  void WriteTo(uint8_t* out) const;

 private:
  SessionRecord(uint64_t action, const tallybus_session& session);
  template <typename Out>
  void Fields(Out& out) const;

  const uint64_t action_;
  const tallybus_session& session_;
  size_t session_size_;
  size_t size_;
};

// The last record of a publisher that closes by its own will.
class ByeRecord {
 public:
  static constexpr RecordKind kKind = RecordKind::kBye;

  size_t size() const { return 2; }
  bool may_use_headroom() const { return true; }
  void WriteTo(uint8_t* out) const;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_RECORD_H_
