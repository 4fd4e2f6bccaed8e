// The protobuf envelope to an event and back.
#include "codec/envelope_codec.h"

#include <optional>
#include <utility>
#include <vector>

#include "codec/json_event.h"
#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {
namespace {

using v1::Envelope;
using v1::StreamStatus;

// Every field of StreamStatus: kind, name in protobuf, name in WCS; in the order of the WCS sample,
// then of the newer servers' fields. Both directions are made from this list.
#define TALLYBUS_STREAM_STATUS_FIELDS(X)     \
  X(String, name, "name")                    \
  X(Bool, published, "published")            \
  X(Bool, has_video, "hasVideo")             \
  X(Bool, has_audio, "hasAudio")             \
  X(String, status, "status")                \
  X(String, sdp, "sdp")                      \
  X(Bool, record, "record")                  \
  X(Int, width, "width")                     \
  X(Int, height, "height")                   \
  X(Int, bitrate, "bitrate")                 \
  X(Int, quality, "quality")                 \
  X(String, media_provider, "mediaProvider") \
  X(String, info, "info")                    \
  X(Int, min_bitrate, "minBitrate")          \
  X(Int, max_bitrate, "maxBitrate")          \
  X(Int, gop, "gop")                         \
  X(Int, fps, "fps")                         \
  X(Int, audio_bitrate, "audioBitrate")      \
  X(String, audio_codec, "audioCodec")       \
  X(String, video_codec, "videoCodec")       \
  X(String, codec_impl, "codecImpl")         \
  X(String, transport, "transport")          \
  X(String, media_type, "mediaType")         \
  X(String, record_name, "recordName")       \
  X(Bool, history, "history")                \
  X(Bool, cvo_extension, "cvoExtension")     \
  X(Int, create_date, "createDate")          \
  X(Object, audio_state, "audioState")       \
  X(Object, video_state, "videoState")       \
  X(Object, custom, "custom")

void WriteObject(JsonObjectWriter& writer, std::string_view key, std::string_view json) {
  writer.Raw(key, json);
}
void WriteString(JsonObjectWriter& writer, std::string_view key, std::string_view value) {
  writer.String(key, value);
}
void WriteBool(JsonObjectWriter& writer, std::string_view key, bool value) {
  writer.Bool(key, value);
}
void WriteInt(JsonObjectWriter& writer, std::string_view key, int64_t value) {
  writer.Int(key, value);
}

absl::Status CheckObject(bool present, std::string_view json) {
  std::vector<JsonMember> members;
  return present ? SplitJsonObject(json, &members) : absl::OkStatus();
}

// The JSON that the publisher wrote is not trusted: each object keeps to its place, and the whole,
// `json`, is one object.
absl::Status CheckForeignJson(const Envelope& envelope, const StreamStatus& status,
                              std::string_view json) {
  absl::Status checked = CheckObject(status.has_audio_state(), status.audio_state());
  if (checked.ok()) checked = CheckObject(status.has_video_state(), status.video_state());
  if (checked.ok()) checked = CheckObject(status.has_custom(), status.custom());
  const bool any = !envelope.extra().empty() || status.has_audio_state() ||
                   status.has_video_state() || status.has_custom();
  return checked.ok() ? CheckObject(any, json) : checked;
}

absl::Status FinishStreamStatus(const Envelope& envelope, Event* event) {
  const StreamStatus& status = envelope.stream_status();
  event->name = status.name();
  event->status = status.status();
  event->published = status.published();
  std::string& json = event->json;
  json.reserve(384 + status.sdp().size() + envelope.extra().size());
  JsonObjectWriter writer(&json);
  writer.String("nodeId", event->node_id);
  writer.String("appKey", event->app_key);
  writer.String("sessionId", event->session_id);
  writer.String("mediaSessionId", event->media_session_id);
#define TALLYBUS_WRITE(kind, field, wcs) \
  if (status.has_##field()) Write##kind(writer, wcs, status.field());
  TALLYBUS_STREAM_STATUS_FIELDS(TALLYBUS_WRITE)
#undef TALLYBUS_WRITE
  writer.Members(envelope.extra());
  writer.Close();
  event->terminal = event->terminal || IsTerminalStatus(event->method, event->status);
  return CheckForeignJson(envelope, status, json);
}

std::string JsonOf(const v1::ErrorEvent& error, const Event& event) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.String("nodeId", event.node_id);
  writer.String("appKey", event.app_key);
  writer.String("sessionId", event.session_id);
  writer.String("mediaSessionId", event.media_session_id);
  writer.String("name", error.name());
  writer.String("method", error.method());
  writer.String("eventId", error.event_id());
  writer.String("route", error.route());
  writer.String("status", error.status());
  if (error.has_http_status()) writer.Int("httpStatus", error.http_status());
  writer.String("info", error.info());
  writer.Int("attempt", error.attempt());
  writer.Bool("final", error.final());
  writer.String("time", error.time());
  writer.Close();
  return json;
}

void TakeErrorEvent(const Envelope& envelope, Event* event) {
  event->name = envelope.error_event().name();
  event->status = envelope.error_event().status();
  event->json = JsonOf(envelope.error_event(), *event);
}

// Which method an envelope is of: its own word, else its payload's, else the defaults'.
std::string MethodOf(const Envelope& envelope, const EventDefaults& defaults) {
  if (!envelope.method().empty()) return envelope.method();
  if (!defaults.method.empty()) return std::string(defaults.method);
  if (envelope.has_stream_status()) return std::string(kStreamStatusEvent);
  if (envelope.has_error_event()) return std::string(kErrorEvent);
  return "";
}

// RFC 3339 has years of four digits; a time beyond them is none.
std::optional<absl::Time> TimeOf(int64_t unix_us) {
  static const absl::Time kFirst = absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone());
  static const absl::Time kEnd = absl::FromCivil(absl::CivilYear(10000), absl::UTCTimeZone());
  const absl::Time time = absl::FromUnixMicros(unix_us);
  if (unix_us == 0 || time < kFirst || time >= kEnd) return std::nullopt;
  return time;
}

bool SetString(const JsonMember& member, std::string* out) {
  *out = member.string;
  return member.type == JsonMember::Type::kString;
}
bool SetBool(const JsonMember& member, bool* out) {
  *out = member.boolean;
  return member.type == JsonMember::Type::kBool;
}
template <typename Int>
bool SetInt(const JsonMember& member, Int* out) {
  *out = static_cast<Int>(member.integer);
  return member.type == JsonMember::Type::kInt && *out == member.integer;
}
bool SetObject(const JsonMember& member, std::string* out) {
  *out = std::string(member.value);
  return member.type == JsonMember::Type::kObject;
}

// Puts one member into the typed message. False where its type is not the field's.
// NOLINTNEXTLINE(readability-function-size): three lines, written once for each field.
bool TakeTyped(const JsonMember& member, Envelope* envelope) {
  StreamStatus* status = envelope->mutable_stream_status();
  const std::string_view key = member.key;
// NOLINTBEGIN(bugprone-macro-parentheses): `field` is a part of a name
#define TALLYBUS_READ(kind, field, wcs)           \
  if (key == wcs) {                               \
    auto value = status->field();                 \
    if (!Set##kind(member, &value)) return false; \
    status->set_##field(value);                   \
    return true;                                  \
  }
  // NOLINTEND(bugprone-macro-parentheses)
  TALLYBUS_STREAM_STATUS_FIELDS(TALLYBUS_READ)
#undef TALLYBUS_READ
  if (key == "nodeId") return SetString(member, envelope->mutable_node_id());
  if (key == "appKey") return SetString(member, envelope->mutable_app_key());
  if (key == "sessionId") return SetString(member, envelope->mutable_session_id());
  if (key == "mediaSessionId") return SetString(member, envelope->mutable_media_session_id());
  std::string* extra = envelope->mutable_extra();
  if (!extra->empty()) extra->push_back(',');
  extra->append(member.text);
  return true;
}

bool TakeStreamStatus(const Event& event, Envelope* envelope) {
  std::vector<JsonMember> members;
  if (!SplitJsonObject(event.json, &members).ok()) return false;
  for (const JsonMember& member : members) {
    if (!TakeTyped(member, envelope)) return false;
  }
  return true;
}

void TakeIds(const Event& event, Envelope* envelope) {
  envelope->set_epoch(event.id.epoch);
  envelope->set_sequence(event.id.sequence);
  envelope->set_time_unix_us(absl::ToUnixMicros(event.time));
  envelope->set_method(event.method);
  envelope->set_node_id(event.node_id);
  envelope->set_app_key(event.app_key);
  envelope->set_session_id(event.session_id);
  envelope->set_media_session_id(event.media_session_id);
  envelope->set_flags(event.terminal ? 1 : 0);
}

}  // namespace

absl::StatusOr<Event> EventFromEnvelope(const Envelope& envelope, const EventDefaults& defaults) {
  Event event;
  event.method = MethodOf(envelope, defaults);
  if (!IsValidMethod(event.method)) return MalformedMethod(event.method);
  if (!defaults.method.empty() && event.method != defaults.method) {
    return Malformed("method", "the envelope names another method than frame 0");
  }
  event.id = {envelope.epoch(), envelope.sequence()};
  event.time = TimeOf(envelope.time_unix_us()).value_or(defaults.now);
  event.node_id = envelope.node_id();
  event.app_key = envelope.app_key();
  event.session_id = envelope.session_id();
  event.media_session_id = envelope.media_session_id();
  event.terminal = (envelope.flags() & 1) != 0;
  absl::Status status;
  switch (envelope.payload_case()) {
    case Envelope::kJson:
      status = FinishJsonEvent(envelope.json(), defaults, &event);
      break;
    case Envelope::kStreamStatus:
      FillIds(defaults, &event);
      status = FinishStreamStatus(envelope, &event);
      break;
    case Envelope::kErrorEvent:
      FillIds(defaults, &event);
      TakeErrorEvent(envelope, &event);
      break;
    case Envelope::PAYLOAD_NOT_SET:
      status = Malformed("protobuf", "an envelope without a payload");
      break;
  }
  if (status.ok()) status = CheckIds(event);
  if (!status.ok()) return status;
  // Escaping makes text longer; what grew beyond what is read could not be filtered.
  if (event.json.size() > kMaxJsonBytes) return Malformed("too_large", "over 2 MiB as JSON");
  return event;
}

absl::StatusOr<Event> EventFromEnvelope(std::string_view bytes, const EventDefaults& defaults) {
  if (bytes.size() > kMaxEventBytes) return Malformed("too_large", "an envelope over 1 MiB");
  Envelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed("protobuf", "not an Envelope");
  }
  return EventFromEnvelope(envelope, defaults);
}

std::string EnvelopeFromEvent(const Event& event) {
  Envelope envelope;
  if (event.method == kStreamStatusEvent && TakeStreamStatus(event, &envelope)) {
    TakeIds(event, &envelope);
    return envelope.SerializeAsString();
  }
  envelope.Clear();
  TakeIds(event, &envelope);
  envelope.set_json(event.json);
  return envelope.SerializeAsString();
}

}  // namespace tallybus
