// Entries are kept encoded, ready to be stated.
#include "live_state.h"

#include <tallybus/c/engine.h>

#include <new>
#include <utility>

#include "message.h"
#include "wire.h"

namespace tallybus::engine {
namespace {

constexpr uint64_t kActionClose = 3;
constexpr uint32_t kStreamStatusField = 10;
constexpr uint32_t kSdpField = 6;

void AppendField(std::string* out, uint32_t field, std::string_view bytes) {
  const size_t before = out->size();
  out->resize(before + BytesFieldSize(field, bytes.size()));
  Writer(out->data() + before).Bytes(field, bytes);
}

// A record is one field: the event, or the session.
std::string_view OnlyField(std::string_view record) {
  Reader in(record);
  return in.Next() ? in.bytes() : std::string_view();
}

std::string StatusWithoutSdp(std::string_view status) {
  std::string kept;
  Reader in(status);
  while (in.Next()) {
    if (in.field() != kSdpField) kept.append(in.raw());
  }
  return kept;
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
    Store(sessions_, std::string(session_id), std::string(session));
  }
}

void LiveState::FoldStream(std::string_view envelope, uint64_t sequence) {
  std::string_view session_id;
  std::string_view media_session_id;
  bool terminal = false;
  Reader in(envelope);
  while (in.Next()) {
    if (in.field() == 7) session_id = in.bytes();
    if (in.field() == 8) media_session_id = in.bytes();
    if (in.field() == 9) terminal = (in.number() & TALLYBUS_TERMINAL) != 0;
  }
  std::string key(session_id);
  key.append(1, '\0').append(media_session_id);
  if (terminal) {
    Erase(streams_, key);
  } else {
    Store(streams_, std::move(key), WithoutSdp(envelope, sequence));
  }
}

// Out of its EVENTS message an envelope must say itself which event it was: so that the router can
// give it the id that it had.
std::string LiveState::WithoutSdp(std::string_view envelope, uint64_t sequence) const {
  std::string kept(EventsHeadSize(sequence), '\0');
  Writer head(kept.data());
  WriteEventsHead(head, epoch_, sequence);  // the same two fields
  Reader in(envelope);
  while (in.Next()) {
    if (in.field() == kStreamStatusField) {
      AppendField(&kept, kStreamStatusField, StatusWithoutSdp(in.bytes()));
    } else {
      kept.append(in.raw());
    }
  }
  return kept;
}

void LiveState::Store(Entries& entries, std::string key, std::string value) {
  Erase(entries, key);
  const size_t size = key.size() + value.size();
  if (bytes_ + size > max_bytes_) {
    ++forgotten_;
    return;
  }
  entries.emplace(std::move(key), std::move(value));
  bytes_ += size;
}

void LiveState::Erase(Entries& entries, std::string_view key) {
  const auto it = entries.find(key);
  if (it == entries.end()) return;
  bytes_ -= it->first.size() + it->second.size();
  entries.erase(it);
}

std::string LiveState::NextChunk(Progress* progress, size_t chunk_bytes) const {
  using Stage = Progress::Stage;
  std::string chunk;
  while (progress->stage != Stage::kDone) {
    const bool in_sessions = progress->stage == Stage::kSessions;
    const Entries& entries = in_sessions ? sessions_ : streams_;
    const uint32_t field = in_sessions ? kStateSessionField : kStateStreamField;
    const auto it =
        progress->after.empty() ? entries.begin() : entries.upper_bound(progress->after);
    if (it == entries.end()) {
      progress->stage = in_sessions ? Stage::kStreams : Stage::kDone;
      progress->after.clear();
      continue;
    }
    if (chunk.empty()) {
      chunk = StateHead(epoch_);
    } else if (chunk.size() + BytesFieldSize(field, it->second.size()) > chunk_bytes) {
      break;
    }
    AppendField(&chunk, field, it->second);
    progress->after = it->first;
  }
  return chunk;
}

}  // namespace tallybus::engine
