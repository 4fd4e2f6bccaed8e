// The messages of the acknowledged bus to plain structs and back.
#include <absl/strings/str_cat.h>
#include <absl/utility/utility.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "codec/envelope_codec.h"
#include "codec/envelope_view.h"
#include "codec/json_event.h"
#include "codec/plain_reader.h"
#include "tallybus/codec.h"
#include "tallybus/v1/bus.pb.h"

namespace tallybus::bus {
namespace {

static_assert(static_cast<int>(Kind::kState) == v1::KIND_STATE);
static_assert(static_cast<int>(Kind::kTerminate) == v1::KIND_TERMINATE);

template <typename Message>
bool Parse(std::string_view bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

FromEngine From(v1::Hello&& m) {
  return Hello{m.protocol_min(), m.protocol_max(), m.library_version(), m.epoch(),  m.node_id(),
               m.first_held(),   m.app_key(),      m.client_messages(), m.dropped()};
}

FromEngine From(v1::Heartbeat&& m) { return Heartbeat{m.epoch(), m.dropped()}; }

FromEngine From(v1::Events&& m) {
  const auto owner = std::make_shared<const v1::Events>(std::move(m));
  Events events{owner->epoch(), owner->first_sequence(), {}, owner};
  events.records.assign(owner->records().begin(), owner->records().end());
  return events;
}

SessionChange SessionFrom(const v1::Session& m) {
  SessionChange change;
  change.action = m.action() == v1::Session::ACTION_CLOSE    ? SessionChange::Action::kClose
                  : m.action() == v1::Session::ACTION_UPDATE ? SessionChange::Action::kUpdate
                                                             : SessionChange::Action::kOpen;
  change.session_id = m.session_id();
  change.app_key = m.app_key();
  if (m.has_rest_client_config()) change.rest_client_config = m.rest_client_config();
  return change;
}

FromEngine From(v1::State&& m) {
  State state{m.epoch(), {}, {}};
  for (const v1::Session& session : m.sessions()) {
    // One without an id would govern every event that has no session.
    if (!session.session_id().empty()) state.sessions.push_back(SessionFrom(session));
  }
  for (const v1::Envelope& stream : m.streams()) {
    state.streams.push_back(stream.SerializeAsString());
  }
  return state;
}

template <typename Message>
absl::StatusOr<FromEngine> ParseAs(std::string_view bytes) {
  Message message;
  if (!Parse(bytes, &message)) return Malformed("protobuf", "does not parse as its kind");
  return From(std::move(message));
}

// Of nothing but the fields that we know; nullopt: ask protobuf, which knows better.
std::optional<Events> EventsInPlain(std::string_view bytes) {
  std::optional<Events> events(std::in_place);
  PlainReader reader(bytes);
  bool plain = true;
  for (uint64_t tag; plain && !reader.AtEnd();) {
    plain = reader.Tag(&tag);
    if (!plain) break;
    switch (tag) {
      case TagOf(v1::Events::kEpochFieldNumber, kFixed64):
        plain = reader.Fixed(&events->epoch);
        break;
      case TagOf(v1::Events::kFirstSequenceFieldNumber, kVarint):
        plain = reader.Number(&events->first_sequence);
        break;
      case TagOf(v1::Events::kRecordsFieldNumber, kBytes):
        plain = reader.Bytes(&events->records.emplace_back());
        break;
      default:
        plain = false;
    }
  }
  if (!plain) events.reset();
  return events;
}

// Records are read where they stand: a copy of each is two allocations.
absl::StatusOr<FromEngine> DecodeEvents(std::string_view bytes) {
  if (std::optional<Events> events = EventsInPlain(bytes)) return *std::move(events);
  return ParseAs<v1::Events>(bytes);
}

Encoded Wrap(Kind kind, const google::protobuf::MessageLite& message) {
  return {static_cast<char>(kind), message.SerializeAsString()};
}

Encoded To(const Welcome& m) {
  v1::Welcome out;
  out.set_router_epoch(m.router_epoch);
  out.set_protocol(m.protocol);
  out.set_expected(m.expected);
  out.set_send_through(m.send_through);
  return Wrap(Kind::kWelcome, out);
}

Encoded To(const Refuse& m) {
  v1::Refuse out;
  out.set_protocol_min(kProtocolMin);
  out.set_protocol_max(kProtocolMax);
  out.set_reason(m.reason);
  return Wrap(Kind::kRefuse, out);
}

Encoded To(const Heartbeat& m) {
  v1::Heartbeat out;
  out.set_epoch(m.epoch);
  return Wrap(Kind::kHeartbeat, out);
}

Encoded To(const Resync& m) {
  v1::Resync out;
  out.set_router_epoch(m.router_epoch);
  out.set_expected(m.expected);
  return Wrap(Kind::kResync, out);
}

Encoded To(const Ack& m) {
  v1::Ack out;
  out.set_durable_through(m.durable_through);
  out.set_send_through(m.send_through);
  return Wrap(Kind::kAck, out);
}

Encoded To(const Reject& m) {
  v1::Reject out;
  out.set_sequence(m.sequence);
  out.set_reason(m.reason);
  return Wrap(Kind::kReject, out);
}

Encoded To(const Client& m) {
  v1::Client out;
  out.set_session_id(std::string(m.session_id));
  out.set_message(std::string(m.message));
  out.set_json(std::string(m.json));
  out.set_meta(std::string(m.meta));
  return Wrap(Kind::kClient, out);
}

Encoded To(const ConnectResult& m) {
  v1::ConnectResult out;
  out.set_call(m.call);
  out.set_accepted(m.answer.accepted);
  out.set_reason(m.answer.reason);
  out.set_json(m.answer.json);
  if (m.answer.session) {
    out.mutable_session()->set_action(v1::Session::ACTION_OPEN);
    out.mutable_session()->set_session_id(m.answer.session->session_id);
    out.mutable_session()->set_app_key(m.answer.session->app_key);
    if (m.answer.session->rest_client_config) {
      out.mutable_session()->set_rest_client_config(*m.answer.session->rest_client_config);
    }
  }
  return Wrap(Kind::kConnectResult, out);
}

Encoded To(const Terminate& m) {
  v1::Terminate out;
  out.set_session_id(std::string(m.session_id));
  out.set_media_session_id(std::string(m.media_session_id));
  out.set_reason(std::string(m.reason));
  return Wrap(Kind::kTerminate, out);
}

}  // namespace

absl::StatusOr<FromEngine> Decode(std::string_view kind, std::string_view bytes) {
  if (kind.size() != 1) return Malformed("kind", "the first frame is not one byte");
  switch (static_cast<Kind>(kind[0])) {
    case Kind::kHello:
      return ParseAs<v1::Hello>(bytes);
    case Kind::kHeartbeat:
      return ParseAs<v1::Heartbeat>(bytes);
    case Kind::kEvents:
      return DecodeEvents(bytes);
    case Kind::kState:
      return ParseAs<v1::State>(bytes);
    default:
      return Malformed("kind",
                       absl::StrCat("kind ", static_cast<uint8_t>(kind[0]), " is not an engine's"));
  }
}

namespace {

absl::StatusOr<Record> ParseRecord(std::string_view bytes, const EventDefaults& defaults) {
  if (bytes.size() > kMaxEventBytes) return Malformed("too_large", "a record over 1 MiB");
  v1::Record record;
  if (!Parse(bytes, &record)) return Malformed("protobuf", "not a Record");
  switch (record.kind_case()) {
    case v1::Record::kEvent: {
      absl::StatusOr<Event> event = EventFromEnvelope(record.event(), defaults);
      if (!event.ok()) return event.status();
      return *std::move(event);
    }
    case v1::Record::kSession:
      if (record.session().session_id().empty()) {
        return Malformed("protobuf", "a session without an id");
      }
      if (record.session().session_id().size() > kMaxIdBytes) {
        return Malformed("too_large", "a session's id over 4 KiB");
      }
      return SessionFrom(record.session());
    case v1::Record::kBye:
      return Bye{};
    case v1::Record::kConnect: {
      absl::StatusOr<Event> event = EventFromEnvelope(record.connect().event(), defaults);
      if (!event.ok()) return event.status();
      return Connect{record.connect().call(), *std::move(event),
                     absl::Milliseconds(record.connect().timeout_ms())};
    }
    case v1::Record::KIND_NOT_SET:
      break;
  }
  return Malformed("protobuf", "a record of no known kind");
}

}  // namespace

bool DecodeEvent(std::string_view bytes, const EventDefaults& defaults, Event* event) {
  const std::optional<std::string_view> envelope = EnvelopeInPlain(bytes);
  return envelope && bytes.size() <= kMaxEventBytes &&
         FillEventFromPlain(*envelope, defaults, event);
}

// One name for all that it returns, so that the event is made where the caller wants it.
absl::StatusOr<Record> DecodeRecord(std::string_view bytes, const EventDefaults& defaults) {
  absl::StatusOr<Record> decoded(absl::in_place, std::in_place_type<Event>);
  if (!DecodeEvent(bytes, defaults, &std::get<Event>(*decoded))) {
    decoded = ParseRecord(bytes, defaults);
  }
  return decoded;
}

Encoded Encode(const ToEngine& message) {
  return std::visit([](const auto& m) { return To(m); }, message);
}

}  // namespace tallybus::bus
