// The C ABI: judges arguments, keeps exceptions in, and hands on to the publisher.
#include <tallybus/c/engine.h>

#include <memory>
#include <utility>

#include "clock.h"
#include "publisher.h"
#include "record.h"
#include "settings.h"
#include "versioned.h"

namespace {

using tallybus::engine::HasNewerFields;
using tallybus::engine::JsonEventRecord;
using tallybus::engine::kLargestEvent;
using tallybus::engine::ReadVersioned;
using tallybus::engine::SessionRecord;
using tallybus::engine::StreamStatusRecord;
using tallybus::engine::WallClockUs;

// Nothing is thrown at a caller that may be C.
template <typename Call>
tallybus_status AtBoundary(Call&& call) noexcept {
  try {
    return call();
  } catch (...) {
    return TALLYBUS_UNAVAILABLE;
  }
}

// Bounding each before they are added up keeps the sum from overflowing.
bool IsReadable(const tallybus_bytes& bytes) {
  return bytes.size <= kLargestEvent && (bytes.data != nullptr || bytes.size == 0);
}

template <typename... Bytes>
bool AreReadable(const Bytes&... all) {
  return (IsReadable(all) && ...);
}

[[gnu::noinline, gnu::cold]] bool AreNewerReadable(const tallybus_stream_status& e) {
  return AreReadable(e.info, e.audio_codec, e.video_codec, e.codec_impl, e.transport, e.media_type,
                     e.record_name, e.audio_state, e.video_state, e.custom);
}

bool IsReadable(const tallybus_stream_status& e) {
  return AreReadable(e.node_id, e.app_key, e.session_id, e.media_session_id, e.name, e.status,
                     e.sdp, e.media_provider, e.extra) &&
         (!HasNewerFields(e) || AreNewerReadable(e));
}

constexpr uint32_t kKnownFields = TALLYBUS_HAS_CREATE_DATE * 2 - 1;
constexpr uint32_t kKnownFlags = TALLYBUS_TERMINAL;

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// [A-Za-z][A-Za-z0-9_.-]{0,63}
bool IsMethod(tallybus_bytes method) {
  if (method.size == 0 || method.size > 64 || !IsLetter(method.data[0])) return false;
  for (size_t i = 1; i < method.size; ++i) {
    const char c = method.data[i];
    const bool digit = c >= '0' && c <= '9';
    if (!IsLetter(c) && !digit && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

bool IsSound(const tallybus_json_event& e) {
  return AreReadable(e.method, e.app_key, e.session_id, e.media_session_id, e.json) &&
         IsMethod(e.method) && e.json.size != 0 && (e.flags & ~kKnownFlags) == 0;
}

// The caller's struct as this version reads it, or why it may not be used.
template <typename T>
tallybus_status Admit(const tallybus_publisher* publisher, const T* in, T* storage,
                      const T** known) {
  if (publisher == nullptr) return TALLYBUS_INVALID;
  if (!publisher->IsOpen()) return TALLYBUS_CLOSED;
  *known = ReadVersioned(in, storage);
  return *known != nullptr ? TALLYBUS_OK : TALLYBUS_INVALID;
}

}  // namespace

tallybus_status tallybus_publisher_open(const tallybus_publisher_options* options,
                                        tallybus_publisher** publisher) {
  return AtBoundary([&] {
    tallybus_publisher_options storage;
    const tallybus_publisher_options* known = ReadVersioned(options, &storage);
    if (known == nullptr || publisher == nullptr) return TALLYBUS_INVALID;
    tallybus::engine::Settings settings;
    tallybus_status status = tallybus::engine::ReadSettings(*known, &settings);
    if (status != TALLYBUS_OK) return status;
    std::unique_ptr<tallybus_publisher> opened;
    status = tallybus_publisher::Open(std::move(settings), &opened);
    if (status == TALLYBUS_OK) *publisher = opened.release();
    return status;
  });
}

tallybus_status tallybus_session_open(tallybus_publisher* publisher,
                                      const tallybus_session* session) {
  return AtBoundary([&] {
    tallybus_session storage;
    const tallybus_session* known = nullptr;
    const tallybus_status status = Admit(publisher, session, &storage, &known);
    if (status != TALLYBUS_OK) return status;
    if (!AreReadable(known->session_id, known->app_key, known->rest_client_config) ||
        known->session_id.size == 0) {
      return TALLYBUS_INVALID;
    }
    return publisher->Put(SessionRecord::Open(*known));
  });
}

tallybus_status tallybus_session_close(tallybus_publisher* publisher, tallybus_bytes session_id) {
  return AtBoundary([&] {
    if (publisher == nullptr) return TALLYBUS_INVALID;
    if (!publisher->IsOpen()) return TALLYBUS_CLOSED;
    if (!IsReadable(session_id) || session_id.size == 0) return TALLYBUS_INVALID;
    tallybus_session session = {};
    session.session_id = session_id;
    return publisher->Put(SessionRecord::Close(session));
  });
}

[[gnu::hot]] tallybus_status tallybus_publish_stream_status(tallybus_publisher* publisher,
                                                            const tallybus_stream_status* event) {
  return AtBoundary([&] {
    tallybus_stream_status storage;
    const tallybus_stream_status* known = nullptr;
    const tallybus_status status = Admit(publisher, event, &storage, &known);
    if (status != TALLYBUS_OK) return status;
    if (!IsReadable(*known) || known->status.size == 0 || (known->has & ~kKnownFields) != 0) {
      return TALLYBUS_INVALID;
    }
    return publisher->Put(StreamStatusRecord(*known, WallClockUs()));
  });
}

tallybus_status tallybus_publish_json(tallybus_publisher* publisher,
                                      const tallybus_json_event* event) {
  return AtBoundary([&] {
    tallybus_json_event storage;
    const tallybus_json_event* known = nullptr;
    const tallybus_status status = Admit(publisher, event, &storage, &known);
    if (status != TALLYBUS_OK) return status;
    if (!IsSound(*known)) return TALLYBUS_INVALID;
    return publisher->Put(JsonEventRecord(*known, WallClockUs()));
  });
}

tallybus_status tallybus_ask(tallybus_publisher* publisher, const tallybus_json_event* event,
                             tallybus_answer_fn answer, void* user) {
  return AtBoundary([&] {
    tallybus_json_event storage;
    const tallybus_json_event* known = nullptr;
    const tallybus_status status = Admit(publisher, event, &storage, &known);
    if (status != TALLYBUS_OK) return status;
    if (!IsSound(*known) || answer == nullptr) return TALLYBUS_INVALID;
    return publisher->Ask(*known, answer, user);
  });
}

tallybus_status tallybus_stats_get(const tallybus_publisher* publisher, tallybus_stats* stats) {
  return AtBoundary([&] {
    if (publisher == nullptr) return TALLYBUS_INVALID;
    if (!publisher->IsOurs()) return TALLYBUS_CLOSED;
    return tallybus::engine::WriteVersioned(publisher->Stats(), stats) ? TALLYBUS_OK
                                                                       : TALLYBUS_INVALID;
  });
}

const char* tallybus_status_text(tallybus_status status) {
  switch (status) {
    case TALLYBUS_OK:
      return "OK";
    case TALLYBUS_FULL:
      return "FULL";
    case TALLYBUS_CLOSED:
      return "CLOSED";
    case TALLYBUS_INVALID:
      return "INVALID";
    case TALLYBUS_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case TALLYBUS_UNAVAILABLE:
      return "UNAVAILABLE";
    case TALLYBUS_TIMEOUT:
      return "TIMEOUT";
    case TALLYBUS_REFUSED:
      return "REFUSED";
  }
  return "UNKNOWN";
}

uint32_t tallybus_version(void) {
  return TALLYBUS_VERSION_MAJOR << 16 | TALLYBUS_VERSION_MINOR << 8 | TALLYBUS_VERSION_PATCH;
}

void tallybus_publisher_close(tallybus_publisher* publisher, uint32_t drain_ms) {
  // A child owns neither the thread nor the socket; a callback would wait for itself.
  if (publisher == nullptr || !publisher->IsOurs() || publisher->IsSenderThread()) return;
  if (!publisher->BeginClose()) return;  // from a callback of the close that is under way
  AtBoundary([&] {
    const std::unique_ptr<tallybus_publisher> owned(publisher);
    owned->Close(drain_ms);
    return TALLYBUS_OK;
  });
}
