// The field numbers are those of Record, Envelope, StreamStatus and Session in proto/tallybus/v1.
#include "record.h"

#include <algorithm>

#include "clock.h"
#include "wire.h"

namespace tallybus::engine {
namespace {

namespace field {
enum Record : uint32_t { kEvent = 1, kSession = 2, kConnect = 3, kBye = 4 };
enum Envelope : uint32_t {
  kTime = 3,
  kMethod = 4,
  kNodeId = 5,
  kAppKey = 6,
  kSessionId = 7,
  kMediaSessionId = 8,
  kFlags = 9,
  kStreamStatus = 10,
  kJson = 12,
  kExtra = 13,
};
}  // namespace field

bool IsTerminal(std::string_view status) {
  return status == "UNPUBLISHED" || status == "STOPPED" || status == "FAILED";
}

// A negative int32 travels as 64 bits.
uint64_t Signed(int64_t value) { return static_cast<uint64_t>(value); }

template <typename Out>
void BytesIfSet(Out& out, uint32_t number, tallybus_bytes bytes) {
  if (IsSet(bytes)) out.Bytes(number, View(bytes));
}

template <typename Measured>
size_t SizeOf(Measured&& fields) {
  Sizer sizer;
  fields(sizer);
  return sizer.size();
}

// The fields of the WCS sample are always there; of the newer ones, those that are set.
template <typename Out>
[[gnu::always_inline]] inline void SampleFields(Out& out, const tallybus_stream_status& event) {
  out.Bytes(1, View(event.name));
  out.Varint(2, event.published);
  out.Varint(3, event.has_video);
  out.Varint(4, event.has_audio);
  out.Bytes(5, View(event.status));
  out.Bytes(6, View(event.sdp));
  out.Varint(7, event.record);
  out.Varint(8, Signed(event.width));
  out.Varint(9, Signed(event.height));
  out.Varint(10, Signed(event.bitrate));
  out.Varint(11, Signed(event.quality));
  out.Bytes(12, View(event.media_provider));
}

template <typename Out>
void NewerFields(Out& out, const tallybus_stream_status& event) {
  const auto number = [&](uint32_t id, uint32_t bit, int64_t value) {
    if ((event.has & bit) != 0) out.Varint(id, Signed(value));
  };
  BytesIfSet(out, 13, event.info);
  number(14, TALLYBUS_HAS_MIN_BITRATE, event.min_bitrate);
  number(15, TALLYBUS_HAS_MAX_BITRATE, event.max_bitrate);
  number(16, TALLYBUS_HAS_GOP, event.gop);
  number(17, TALLYBUS_HAS_FPS, event.fps);
  number(18, TALLYBUS_HAS_AUDIO_BITRATE, event.audio_bitrate);
  BytesIfSet(out, 19, event.audio_codec);
  BytesIfSet(out, 20, event.video_codec);
  BytesIfSet(out, 21, event.codec_impl);
  BytesIfSet(out, 22, event.transport);
  BytesIfSet(out, 23, event.media_type);
  BytesIfSet(out, 24, event.record_name);
  number(25, TALLYBUS_HAS_HISTORY, event.history);
  number(26, TALLYBUS_HAS_CVO_EXTENSION, event.cvo_extension);
  number(27, TALLYBUS_HAS_CREATE_DATE, event.create_date);
  BytesIfSet(out, 28, event.audio_state);
  BytesIfSet(out, 29, event.video_state);
  BytesIfSet(out, 30, event.custom);
}

// Mostly there are none: these stay out of the way of the code that every event needs.
[[gnu::noinline, gnu::cold]] size_t SizeOfNewerFields(const tallybus_stream_status& event) {
  return SizeOf([&](Sizer& out) { NewerFields(out, event); });
}
// By value: a writer whose address is taken lives in memory, not in a register.
[[gnu::noinline, gnu::cold]] Writer WriteNewerFields(Writer out,
                                                     const tallybus_stream_status& event) {
  NewerFields(out, event);
  return out;
}

int64_t TimeOf(const tallybus_json_event& event, int64_t now_us) {
  return event.time_unix_us != 0 ? event.time_unix_us : now_us;
}

// The Envelope of an event that is JSON.
template <typename Out>
void JsonFields(Out& out, const tallybus_json_event& event, int64_t time_us) {
  VarintUnlessZero(out, field::kTime, Signed(time_us));
  out.Bytes(field::kMethod, View(event.method));
  BytesUnlessEmpty(out, field::kAppKey, View(event.app_key));
  BytesUnlessEmpty(out, field::kSessionId, View(event.session_id));
  BytesUnlessEmpty(out, field::kMediaSessionId, View(event.media_session_id));
  VarintUnlessZero(out, field::kFlags, event.flags & TALLYBUS_TERMINAL);
  out.Bytes(field::kJson, View(event.json));
}

// Of any of them.
template <typename... Bytes>
bool AnyIsSet(const Bytes&... all) {
  return ((all.size | reinterpret_cast<uintptr_t>(all.data)) | ...) != 0;
}

}  // namespace

[[gnu::hot]] bool HasNewerFields(const tallybus_stream_status& e) {
  return AnyIsSet(e.info, e.audio_codec, e.video_codec, e.codec_impl, e.transport, e.media_type,
                  e.record_name, e.audio_state, e.video_state, e.custom) ||
         e.has != 0;
}

[[gnu::hot]] StreamStatusRecord::StreamStatusRecord(const tallybus_stream_status& event,
                                                    int64_t now_us)
    : event_(event),
      time_us_(event.time_unix_us != 0 ? event.time_unix_us : now_us),
      terminal_(IsTerminal(View(event.status))),
      has_newer_(HasNewerFields(event)) {
  payload_size_ = SizeOf([&](Sizer& out) { SampleFields(out, event); });
  if (has_newer_) payload_size_ += SizeOfNewerFields(event);
  envelope_size_ = SizeOf([this](Sizer& out) {
    Before(out);
    BytesUnlessEmpty(out, field::kExtra, View(event_.extra));
  });
  envelope_size_ += BytesFieldSize(field::kStreamStatus, payload_size_);
  size_ = BytesFieldSize(field::kEvent, envelope_size_);
}

template <typename Out>
[[gnu::always_inline]] inline void StreamStatusRecord::Before(Out& out) const {
  if (time_us_ != 0) out.TimeVarint(field::kTime, Signed(time_us_));
  out.Literal(field::kMethod, "StreamStatusEvent");
  BytesUnlessEmpty(out, field::kNodeId, View(event_.node_id));
  BytesUnlessEmpty(out, field::kAppKey, View(event_.app_key));
  BytesUnlessEmpty(out, field::kSessionId, View(event_.session_id));
  BytesUnlessEmpty(out, field::kMediaSessionId, View(event_.media_session_id));
  VarintUnlessZero(out, field::kFlags, terminal_ ? TALLYBUS_TERMINAL : 0);
}

[[gnu::hot]] void StreamStatusRecord::WriteTo(uint8_t* out) const {
  Writer writer(out);
  writer.Length(field::kEvent, envelope_size_);
  Before(writer);
  writer.Length(field::kStreamStatus, payload_size_);
  SampleFields(writer, event_);
  if (has_newer_) writer = WriteNewerFields(writer, event_);
  BytesUnlessEmpty(writer, field::kExtra, View(event_.extra));
}

JsonEventRecord::JsonEventRecord(const tallybus_json_event& event, int64_t now_us)
    : event_(event), time_us_(TimeOf(event, now_us)) {
  envelope_size_ = SizeOf([this](Sizer& out) { JsonFields(out, event_, time_us_); });
  size_ = BytesFieldSize(field::kEvent, envelope_size_);
}

void JsonEventRecord::WriteTo(uint8_t* out) const {
  Writer writer(out);
  writer.Length(field::kEvent, envelope_size_);
  JsonFields(writer, event_, time_us_);
}

ConnectRecord::ConnectRecord(uint64_t call, const tallybus_json_event& event, int64_t now_us,
                             int64_t timeout_us)
    : call_(call),
      event_(event),
      time_us_(TimeOf(event, now_us)),
      // The router counts from the event's time, which may be another than now.
      timeout_ms_(static_cast<uint64_t>(
          std::max<int64_t>(now_us + timeout_us - time_us_, kMillisecondUs) / kMillisecondUs)) {
  envelope_size_ = SizeOf([this](Sizer& out) { JsonFields(out, event_, time_us_); });
  connect_size_ = SizeOf([this](Sizer& out) {
    out.Varint(1, call_);
    out.Varint(3, timeout_ms_);
  });
  connect_size_ += BytesFieldSize(2, envelope_size_);
  size_ = BytesFieldSize(field::kConnect, connect_size_);
}

void ConnectRecord::WriteTo(uint8_t* out) const {
  Writer writer(out);
  writer.Length(field::kConnect, connect_size_);
  writer.Varint(1, call_);
  writer.Length(2, envelope_size_);
  JsonFields(writer, event_, time_us_);
  writer.Varint(3, timeout_ms_);
}

SessionRecord::SessionRecord(uint64_t action, const tallybus_session& session)
    : action_(action), session_(session) {
  session_size_ = SizeOf([this](Sizer& out) { Fields(out); });
  size_ = BytesFieldSize(field::kSession, session_size_);
}

template <typename Out>
void SessionRecord::Fields(Out& out) const {
  out.Varint(1, action_);
  BytesUnlessEmpty(out, 2, View(session_.session_id));
  BytesUnlessEmpty(out, 3, View(session_.app_key));
  BytesIfSet(out, 4, session_.rest_client_config);
}

void SessionRecord::WriteTo(uint8_t* out) const {
  Writer writer(out);
  writer.Length(field::kSession, session_size_);
  Fields(writer);
}

void ByeRecord::WriteTo(uint8_t* out) const { Writer(out).Bytes(field::kBye, {}); }

}  // namespace tallybus::engine
