// Fields one after the other, their numbers growing: a third of what an event costs is saved by not
// making a message of a dozen strings first.
#include "codec/envelope_view.h"

#include <string>
#include <utility>

#include "codec/plain_reader.h"
#include "tallybus/v1/bus.pb.h"

namespace tallybus {
namespace {

bool TakeText(PlainReader& reader, StatusView::Value* value) {
  std::string_view text;
  if (!reader.Bytes(&text)) return false;
  *value = {static_cast<int64_t>(text.size()), text.data()};
  return true;
}

template <typename Number>
bool TakeNumber(PlainReader& reader, Number* number) {
  uint64_t value;
  if (!reader.Number(&value)) return false;
  *number = static_cast<Number>(value);
  return true;
}

bool TakeStatus(std::string_view bytes, StatusView* status) {
  PlainReader reader(bytes);
  for (uint64_t tag, number = 0, last; !reader.AtEnd(); status->present |= 1u << (number - 1)) {
    if (!reader.Tag(&tag)) return false;
    last = std::exchange(number, tag >> 3);
    if (number <= last || number > kStatusFieldCount) return false;
    StatusView::Value* value = &status->values[number - 1];
    const StatusField::Kind kind = kStatusFields[number - 1].kind;
    const bool is_text = kind >= StatusField::Kind::kString;
    if ((tag & 7) != (is_text ? kBytes : kVarint)) return false;
    if (!(is_text ? TakeText(reader, value) : TakeNumber(reader, &value->number))) return false;
    // An int32 is cut to its lower half, as protobuf has it.
    if (kind == StatusField::Kind::kInt && number != v1::StreamStatus::kCreateDateFieldNumber) {
      value->number = static_cast<int32_t>(value->number);
    }
  }
  return true;
}

bool TakeStatusField(PlainReader& reader, EnvelopeView* view) {
  std::string_view bytes;
  view->payload = v1::Envelope::kStreamStatus;
  return reader.Bytes(&bytes) && TakeStatus(bytes, &view->status);
}

bool TakeJson(PlainReader& reader, EnvelopeView* view) {
  if (view->payload != v1::Envelope::PAYLOAD_NOT_SET) return false;
  view->payload = v1::Envelope::kJson;
  return reader.Bytes(&view->json);
}

bool TakeField(PlainReader& reader, uint64_t tag, EnvelopeView* view) {
  using v1::Envelope;
  switch (tag) {
    case TagOf(Envelope::kEpochFieldNumber, kFixed64):
      return reader.Fixed(&view->epoch);
    case TagOf(Envelope::kSequenceFieldNumber, kVarint):
      return TakeNumber(reader, &view->sequence);
    case TagOf(Envelope::kTimeUnixUsFieldNumber, kVarint):
      return TakeNumber(reader, &view->time_unix_us);
    case TagOf(Envelope::kMethodFieldNumber, kBytes):
      return reader.Bytes(&view->method);
    case TagOf(Envelope::kNodeIdFieldNumber, kBytes):
      return reader.Bytes(&view->node_id);
    case TagOf(Envelope::kAppKeyFieldNumber, kBytes):
      return reader.Bytes(&view->app_key);
    case TagOf(Envelope::kSessionIdFieldNumber, kBytes):
      return reader.Bytes(&view->session_id);
    case TagOf(Envelope::kMediaSessionIdFieldNumber, kBytes):
      return reader.Bytes(&view->media_session_id);
    case TagOf(Envelope::kFlagsFieldNumber, kVarint):
      return TakeNumber(reader, &view->flags);
    case TagOf(Envelope::kStreamStatusFieldNumber, kBytes):
      return TakeStatusField(reader, view);
    case TagOf(Envelope::kJsonFieldNumber, kBytes):
      return TakeJson(reader, view);
    case TagOf(Envelope::kExtraFieldNumber, kBytes):
      return reader.Bytes(&view->extra);
    default:
      return false;
  }
}

using Value = StatusView::Value;
void Put(int64_t value, Value* to) { to->number = value; }
void Put(const std::string& value, Value* to) {
  *to = {static_cast<int64_t>(value.size()), value.data()};
}

}  // namespace

EnvelopeView ViewOf(const v1::Envelope& envelope) {
  EnvelopeView view;
  view.epoch = envelope.epoch();
  view.sequence = envelope.sequence();
  view.time_unix_us = envelope.time_unix_us();
  view.method = envelope.method();
  view.node_id = envelope.node_id();
  view.app_key = envelope.app_key();
  view.session_id = envelope.session_id();
  view.media_session_id = envelope.media_session_id();
  view.extra = envelope.extra();
  view.flags = envelope.flags();
  view.payload = envelope.payload_case();
  view.json = envelope.json();
  view.error = &envelope.error_event();
  const v1::StreamStatus& status = envelope.stream_status();
  size_t i = 0;
#define TALLYBUS_VIEW(kind, field, wcs)          \
  if (status.has_##field()) {                    \
    view.status.present |= 1u << i;              \
    Put(status.field(), &view.status.values[i]); \
  }                                              \
  ++i;
  TALLYBUS_STREAM_STATUS_FIELDS(TALLYBUS_VIEW)
#undef TALLYBUS_VIEW
  return view;
}

bool ViewOfPlain(std::string_view bytes, EnvelopeView* view) {
  PlainReader reader(bytes);
  for (uint64_t tag, last = 0; !reader.AtEnd(); last = tag) {
    if (!reader.Tag(&tag) || tag >> 3 <= last >> 3 || !TakeField(reader, tag, view)) return false;
  }
  return true;
}

std::optional<std::string_view> EnvelopeInPlain(std::string_view record) {
  PlainReader reader(record);
  uint64_t tag;
  std::string_view envelope;
  const bool plain = reader.Tag(&tag) && tag == TagOf(v1::Record::kEventFieldNumber, kBytes) &&
                     reader.Bytes(&envelope) && reader.AtEnd();
  return plain ? std::optional(envelope) : std::nullopt;
}

}  // namespace tallybus
