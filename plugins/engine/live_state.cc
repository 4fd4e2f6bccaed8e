// Entries are kept encoded, ready to be stated. Each event comes through here, so what is built for
// one is built in the memory of the one before.
#include "live_state.h"

#include <tallybus/c/engine.h>

#include <new>

#include "message.h"
#include "wire.h"

namespace tallybus::engine {
namespace {

constexpr uint64_t kActionClose = 3;
constexpr uint32_t kStreamStatusField = 10;
constexpr uint32_t kSdpField = 6;

void AppendLength(std::string* out, uint32_t field, size_t size) {
  const size_t before = out->size();
  out->resize(before + BytesFieldSize(field, size) - size);
  Writer(out->data() + before).Length(field, size);
}

void AppendField(std::string* out, uint32_t field, std::string_view bytes) {
  AppendLength(out, field, bytes.size());
  out->append(bytes);
}

// A record is one field: the event, or the session.
std::string_view OnlyField(std::string_view record) {
  Reader in(record);
  return in.Next() ? in.bytes() : std::string_view();
}

// The text on both sides of a part of it.
void AppendAround(std::string* out, std::string_view text, std::string_view part) {
  const auto before = static_cast<size_t>(part.data() - text.data());
  out->append(text.substr(0, before)).append(text.substr(before + part.size()));
}

}  // namespace

void LiveState::Fold(const HeldRecord& record) {
  if (record.sequence <= folded_through_) return;
  folded_through_ = record.sequence;
  try {
    if (record.kind == RecordKind::kSession) FoldSession(OnlyField(record.payload));
    if (record.kind == RecordKind::kStreamStatus) {
      FoldStream(OnlyField(record.payload), record.sequence);
    }
  } catch (const std::bad_alloc&) {
    ++forgotten_;  // the record itself is safe with the router
  }
}

void LiveState::NoteOpened(std::string_view session) {
  try {
    FoldSession(session);
  } catch (const std::bad_alloc&) {
    ++forgotten_;
  }
}

void LiveState::FoldSession(std::string_view session) {
  uint64_t action = 0;
  std::string_view session_id;
  Reader in(session);
  while (in.Next()) {
    if (in.field() == 1) action = in.number();
    if (in.field() == 2) session_id = in.bytes();
  }
  if (action == kActionClose) {
    Erase(sessions_, session_id);
  } else {
    Store(sessions_, session_id, session);
  }
}

void LiveState::FoldStream(std::string_view envelope, uint64_t sequence) {
  std::string_view session_id;
  std::string_view media_session_id;
  bool terminal = false;
  Field status;
  for (Reader in(envelope); in.Next();) {
    if (in.field() == 7) session_id = in.bytes();
    if (in.field() == 8) media_session_id = in.bytes();
    if (in.field() == 9) terminal = (in.number() & TALLYBUS_TERMINAL) != 0;
    if (in.field() == kStreamStatusField) status = {in.raw(), in.bytes()};
  }
  key_.assign(session_id).append(1, '\0').append(media_session_id);
  if (terminal) return Erase(streams_, key_);
  WriteValue(envelope, status, sequence);
  Store(streams_, key_, value_);
}

// Out of its EVENTS message an envelope must say itself which event it was: so that the router can
// give it the id that it had. The sdp nobody asks for: it would be most of it.
void LiveState::WriteValue(std::string_view envelope, const Field& status, uint64_t sequence) {
  value_.resize(EventsHeadSize(sequence));
  Writer head(value_.data());
  WriteEventsHead(head, epoch_, sequence);  // the same two fields
  Reader in(status.bytes);
  while (in.Next() && in.field() < kSdpField) {
  }
  if (in.field() != kSdpField) {
    value_.append(envelope);
    return;
  }
  const auto before = static_cast<size_t>(status.raw.data() - envelope.data());
  value_.append(envelope.substr(0, before));
  AppendLength(&value_, kStreamStatusField, status.bytes.size() - in.raw().size());
  AppendAround(&value_, status.bytes, in.raw());
  value_.append(envelope.substr(before + status.raw.size()));
}

void LiveState::Store(LiveEntries& entries, std::string_view key, std::string_view value) {
  LiveEntries::Entry* const known = entries.Find(key);
  const size_t others = sessions_.bytes() + streams_.bytes() - (known ? known->bytes() : 0);
  if (others + key.size() + value.size() > max_bytes_) {
    ++forgotten_;
    if (known) entries.Erase(*known);
  } else if (known) {
    entries.Replace(*known, value);
  } else {
    entries.Add(key, value);
  }
}

void LiveState::Erase(LiveEntries& entries, std::string_view key) {
  if (LiveEntries::Entry* const known = entries.Find(key)) entries.Erase(*known);
}

std::string LiveState::NextChunk(Progress* progress, size_t chunk_bytes) const {
  using Stage = Progress::Stage;
  std::string chunk;
  while (progress->stage != Stage::kDone) {
    const bool in_sessions = progress->stage == Stage::kSessions;
    const LiveEntries& entries = in_sessions ? sessions_ : streams_;
    const uint32_t field = in_sessions ? kStateSessionField : kStateStreamField;
    const LiveEntries::Entry* const next = entries.After(progress->after);
    if (next == nullptr) {
      progress->stage = in_sessions ? Stage::kStreams : Stage::kDone;
      progress->after = 0;
      continue;
    }
    if (chunk.empty()) {
      chunk = StateHead(epoch_);
    } else if (chunk.size() + BytesFieldSize(field, next->value.size()) > chunk_bytes) {
      break;
    }
    AppendField(&chunk, field, next->value);
    progress->after = next->number;
  }
  return chunk;
}

}  // namespace tallybus::engine
