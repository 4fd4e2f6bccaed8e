// What an engine's records and statements become.
#include <absl/strings/str_cat.h>

#include <utility>
#include <variant>

#include "transports/zmq/engine_ingress.h"

namespace tallybus::zmq_transport {

void EngineIngress::Take(const std::string& peer, bus::State&& state) {
  const Publisher* publisher = Known(peer, state.epoch);
  if (publisher == nullptr) return;
  IngressBatch batch;
  for (SessionChange& session : state.sessions) {
    session.epoch = publisher->epoch;
    publishers_.NoteSession(publisher->epoch, session, parts_.clock.Now());
    batch.records.push_back(std::move(session));
  }
  for (const std::string& stream : state.streams) {
    absl::StatusOr<Event> status = EventFromEnvelope(stream, DefaultsOf(*publisher));
    if (!status.ok()) {
      CountMalformed(MalformedReason(status.status()));
      continue;
    }
    status->id.epoch = publisher->epoch;
    batch.records.emplace_back(StreamStated{*std::move(status)});
  }
  absl::Status status = sink_->Accept(std::move(batch));
  if (!status.ok()) {
    log_.Write(LogLevel::kError,
               absl::StrCat("engine bus: restated sessions lost: ", status.message()));
  }
}

EventDefaults EngineIngress::DefaultsOf(const Publisher& publisher) const {
  return {.node_id = publisher.node_id,
          .app_key = publisher.app_key,
          .now = parts_.clock.WallNow(),
          .method = {},
          .app_of_session = [this](std::string_view id) { return publishers_.AppOfSession(id); }};
}

void EngineIngress::TakeRecords(Publisher& publisher, const bus::Events& events, size_t skip) {
  IngressBatch batch;
  batch.records.reserve(events.records.size() - skip);
  const EventDefaults defaults = DefaultsOf(publisher);
  for (size_t i = skip; i < events.records.size(); ++i) {
    TakeRecord(publisher, events.records[i], events.first_sequence + i, defaults, &batch);
  }
  const uint64_t through = events.first_sequence + events.records.size() - 1;
  batch.watermark = Watermark{publisher.epoch, through};
  absl::Status status = sink_->Accept(std::move(batch));
  if (status.ok()) {
    publisher.expected = through + 1;
    return;
  }
  publisher.starved = true;
  log_.Write(LogLevel::kWarning,
             absl::StrCat("engine bus: \"", EscapedPrefix(publisher.node_id, 128),
                          "\" must wait: ", status.message()));
}

void EngineIngress::TakeRecord(Publisher& publisher, std::string_view record, uint64_t sequence,
                               const EventDefaults& defaults, IngressBatch* batch) {
  auto& plain = std::get<Event>(batch->records.emplace_back(std::in_place_type<Event>));
  if (bus::DecodeEvent(record, defaults, &plain)) {
    plain.id = {publisher.epoch, sequence};
    NoteEnd(plain);
    return;
  }
  batch->records.pop_back();
  absl::StatusOr<bus::Record> decoded = bus::DecodeRecord(record, defaults);
  if (!decoded.ok()) {
    CountMalformed(MalformedReason(decoded.status()));
    log_.Write(LogLevel::kWarning,
               absl::StrCat("engine bus: \"", EscapedPrefix(publisher.node_id, 128),
                            "\": rejected record ", sequence, ": ", decoded.status().message()));
    const std::string reason(decoded.status().message());
    Send(publisher.peer, bus::Reject{sequence, reason});
    batch->records.push_back(RejectedRecord{
        {publisher.epoch, sequence}, publisher.node_id, reason, std::string(record)});
    return;
  }
  if (auto* event = std::get_if<Event>(&*decoded)) {
    event->id = {publisher.epoch, sequence};
    NoteEnd(*event);
    batch->records.emplace_back(std::in_place_type<Event>, std::move(*event));
  } else if (auto* session = std::get_if<SessionChange>(&*decoded)) {
    session->epoch = publisher.epoch;
    publishers_.NoteSession(publisher.epoch, *session, parts_.clock.Now());
    batch->records.push_back(std::move(*session));
  } else if (auto* connect = std::get_if<bus::Connect>(&*decoded)) {
    connect->event.id = {publisher.epoch, sequence};
    batch->records.push_back(AskOf(publisher, std::move(*connect)));
  } else {
    publisher.said_bye = true;
    batch->records.emplace_back(ChangeOf(publisher, PublisherChange::Action::kBye));
    log_.Write(
        LogLevel::kInfo,
        absl::StrCat("engine bus: \"", EscapedPrefix(publisher.node_id, 128), "\" said goodbye"));
  }
}

// A session ends with its DISCONNECTED too, whether or not its engine closes it.
void EngineIngress::NoteEnd(const Event& event) {
  if (!event.terminal || event.method != kConnectionStatusEvent) return;
  SessionChange close;
  close.action = SessionChange::Action::kClose;
  close.session_id = event.session_id;
  publishers_.NoteSession(event.id.epoch, close, parts_.clock.Now());
}

Ask EngineIngress::AskOf(const Publisher& publisher, bus::Connect&& connect) {
  const absl::Time expires = connect.event.time + connect.timeout;
  return {std::move(connect.event), expires,
          [this, epoch = publisher.epoch, call = connect.call](AskAnswer answer) {
            if (answer.session) {
              publishers_.NoteSession(epoch, *answer.session, parts_.clock.Now());
            }
            const Publisher* asker = publishers_.Find(epoch);
            if (asker != nullptr) Send(asker->peer, bus::ConnectResult{call, std::move(answer)});
          }};
}

}  // namespace tallybus::zmq_transport
