// Which sessions are open and which streams live, as of the last record that was folded in: what a
// router must be told that did not hear it when it happened.
//
// Records are folded in when they are freed, and before that where a router says that it has them.
// So what is stated here and the events that follow it never contradict each other.
#ifndef TALLYBUS_PLUGINS_ENGINE_LIVE_STATE_H_
#define TALLYBUS_PLUGINS_ENGINE_LIVE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "live_entries.h"
#include "ring.h"

namespace tallybus::engine {

class LiveState {
 public:
  // A place in a statement that is under way. It outlives changes of the state.
  class Progress {
    friend class LiveState;
    enum class Stage { kSessions, kStreams, kDone } stage = Stage::kSessions;
    uint64_t after = 0;  // the entry that was stated last
  };

  // max_bytes bounds what is remembered; what does not fit is counted in forgotten().
  explicit LiveState(uint64_t epoch, size_t max_bytes = size_t{64} << 20)
      : epoch_(epoch), max_bytes_(max_bytes) {}

  // Takes a record into account. Those that were folded in before are ignored. A stream counts from
  // its first status to a terminal one; only typed ones are seen, since nothing here parses JSON.
  void Fold(const HeldRecord& record);
  // A Session that the router opened for an answer that it gave us.
  void NoteOpened(std::string_view session);

  // The next STATE message of a statement, of at most chunk_bytes where its entries allow it.
  // Empty: all has been said.
  std::string NextChunk(Progress* progress, size_t chunk_bytes) const;

  uint64_t forgotten() const { return forgotten_; }

 private:
  struct Field {
    std::string_view raw, bytes;
  };

  void FoldSession(std::string_view session);
  void FoldStream(std::string_view envelope, uint64_t sequence);
  void WriteValue(std::string_view envelope, const Field& status, uint64_t sequence);
  void Store(LiveEntries& entries, std::string_view key, std::string_view value);
  void Erase(LiveEntries& entries, std::string_view key);

  const uint64_t epoch_;
  const size_t max_bytes_;
  uint64_t folded_through_ = 0;
  uint64_t forgotten_ = 0;
  LiveEntries sessions_;     // session_id → Session
  LiveEntries streams_;      // session_id, NUL, media_session_id → Envelope
  std::string key_, value_;  // of the event at hand
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_LIVE_STATE_H_
