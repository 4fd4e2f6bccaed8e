// The protobuf envelope to an event and back.
#include "codec/envelope_codec.h"

#include <absl/utility/utility.h>
#include <simdjson.h>

#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "codec/envelope_view.h"
#include "codec/json_event.h"
#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {
namespace {

using v1::Envelope;
using v1::StreamStatus;

absl::Status CheckObject(std::string_view json) {
  std::vector<JsonMember> members;
  return SplitJsonObject(json, &members);
}

// The JSON that the publisher wrote is not trusted: each object keeps to its place, and the whole,
// `json`, is one object.
absl::Status CheckForeignJson(const EnvelopeView& envelope, std::string_view json) {
  absl::Status checked;
  bool any = !envelope.extra.empty();
  for (size_t number :
       {size_t{StreamStatus::kAudioStateFieldNumber}, size_t{StreamStatus::kVideoStateFieldNumber},
        size_t{StreamStatus::kCustomFieldNumber}}) {
    if (!envelope.status.Has(number)) continue;
    any = true;
    checked.Update(CheckObject(envelope.status.Text(number)));
  }
  return checked.ok() && any ? CheckObject(json) : checked;
}

// Of a stream's event but for its sdp. With the byte at a string's end it fills a size class of the
// allocator.
constexpr size_t kUsualJsonBytes = 447;
constexpr size_t kSdpBytesAnEscape = 16;  // a line is some 35 bytes, two of which need one

// A string that is made and moved costs half of what assigning to one does.
void Set(std::string& field, std::string_view text) { field = std::string(text); }

void WriteField(size_t i, const StatusView& status, JsonObjectWriter& writer) {
  const auto& [kind, key] = kStatusFields[i];
  const StatusView::Value& value = status.values[i];
  switch (kind) {
    case StatusField::Kind::kString:
      return writer.String(key, value.AsText());
    case StatusField::Kind::kBool:
      return writer.Bool(key, value.number != 0);
    case StatusField::Kind::kInt:
      return writer.Int(key, value.number);
    case StatusField::Kind::kObject:
      return writer.Raw(key, value.AsText());
  }
}

absl::Status FinishStreamStatus(const EnvelopeView& envelope, Event* event) {
  const StatusView& status = envelope.status;
  Set(event->name, status.Text(StreamStatus::kNameFieldNumber));
  Set(event->status, status.Text(StreamStatus::kStatusFieldNumber));
  event->published = status.Has(StreamStatus::kPublishedFieldNumber) &&
                     status.values[StreamStatus::kPublishedFieldNumber - 1].number != 0;
  std::string& json = event->json;
  const size_t sdp = status.Text(StreamStatus::kSdpFieldNumber).size();
  json.reserve(kUsualJsonBytes + sdp + sdp / kSdpBytesAnEscape + envelope.extra.size());
  JsonObjectWriter writer(&json);
  writer.String("nodeId", event->node_id);
  writer.String("appKey", event->app_key);
  writer.String("sessionId", event->session_id);
  writer.String("mediaSessionId", event->media_session_id);
  for (uint32_t left = status.present; left != 0; left &= left - 1) {
    WriteField(static_cast<size_t>(std::countr_zero(left)), status, writer);
  }
  writer.Members(envelope.extra);
  writer.Close();
  event->terminal = event->terminal || IsTerminalStatus(event->method, event->status);
  return CheckForeignJson(envelope, json);
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

void TakeErrorEvent(const v1::ErrorEvent& error, Event* event) {
  event->name = error.name();
  event->status = error.status();
  event->json = JsonOf(error, *event);
}

// Which method an envelope is of: its own word, else its payload's, else the defaults'.
std::string_view MethodOf(const EnvelopeView& envelope, const EventDefaults& defaults) {
  if (!envelope.method.empty()) return envelope.method;
  if (!defaults.method.empty()) return defaults.method;
  if (envelope.payload == Envelope::kStreamStatus) return kStreamStatusEvent;
  if (envelope.payload == Envelope::kErrorEvent) return kErrorEvent;
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

absl::Status FillEvent(const EnvelopeView& envelope, const EventDefaults& defaults, Event* out) {
  Event& event = *out;
  Set(event.method, MethodOf(envelope, defaults));
  if (!IsValidMethod(event.method)) return MalformedMethod(event.method);
  if (!defaults.method.empty() && event.method != defaults.method) {
    return Malformed("method", "the envelope names another method than frame 0");
  }
  event.id = {envelope.epoch, envelope.sequence};
  event.time = TimeOf(envelope.time_unix_us).value_or(defaults.now);
  Set(event.node_id, envelope.node_id);
  Set(event.app_key, envelope.app_key);
  Set(event.session_id, envelope.session_id);
  Set(event.media_session_id, envelope.media_session_id);
  event.terminal = (envelope.flags & 1) != 0;
  absl::Status status;
  switch (envelope.payload) {
    case Envelope::kJson:
      status = FinishJsonEvent(envelope.json, defaults, &event);
      break;
    case Envelope::kStreamStatus:
      FillIds(defaults, &event);
      status = FinishStreamStatus(envelope, &event);
      break;
    case Envelope::kErrorEvent:
      FillIds(defaults, &event);
      TakeErrorEvent(*envelope.error, &event);
      break;
    case Envelope::PAYLOAD_NOT_SET:
      status = Malformed("protobuf", "an envelope without a payload");
      break;
  }
  if (status.ok()) status = CheckIds(event);
  if (!status.ok()) return status;
  // Escaping makes text longer; what grew beyond what is read could not be filtered.
  if (event.json.size() > kMaxJsonBytes) return Malformed("too_large", "over 2 MiB as JSON");
  return absl::OkStatus();
}

// All text of a typed event is in its JSON; beside a body that was written elsewhere, the ids may
// not be.
bool IsUtf8(const EnvelopeView& view, const Event& event) {
  if (!simdjson::validate_utf8(event.json)) return false;
  if (view.payload == Envelope::kStreamStatus) return true;
  for (std::string_view text :
       {view.node_id, view.app_key, view.session_id, view.media_session_id}) {
    if (!simdjson::validate_utf8(text)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<Event> EventFromEnvelope(const Envelope& envelope, const EventDefaults& defaults) {
  absl::StatusOr<Event> event(absl::in_place);
  if (absl::Status status = FillEvent(ViewOf(envelope), defaults, &*event); !status.ok()) {
    return status;
  }
  return event;
}

bool FillEventFromPlain(std::string_view bytes, const EventDefaults& defaults, Event* event) {
  EnvelopeView view;
  return ViewOfPlain(bytes, &view) && FillEvent(view, defaults, event).ok() && IsUtf8(view, *event);
}

absl::StatusOr<Event> EventFromEnvelope(std::string_view bytes, const EventDefaults& defaults) {
  if (bytes.size() > kMaxEventBytes) return Malformed("too_large", "an envelope over 1 MiB");
  absl::StatusOr<Event> event(absl::in_place);
  if (FillEventFromPlain(bytes, defaults, &*event)) return event;
  Envelope envelope;
  const bool parsed = envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed) return Malformed("protobuf", "not an Envelope");
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
