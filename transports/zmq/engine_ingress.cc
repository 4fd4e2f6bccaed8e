// The router's side of the acknowledged protocol; docs/bus_protocol.md tells it whole.
#include "transports/zmq/engine_ingress.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tallybus/fault_point.h"

namespace tallybus::zmq_transport {
namespace {

constexpr absl::Duration kHeartbeatEvery = absl::Seconds(1);
constexpr absl::Duration kAskEvery = absl::Milliseconds(250);
constexpr size_t kMaxEventsBytes = size_t{2} << 20;  // a library's: 256 KiB, or one event
constexpr size_t kMaxRecords = 65536;
constexpr size_t kBytesATurn = size_t{128} << 10;  // what is read is in the caches when it is taken
constexpr size_t kMaxNameBytes = 255;
// An engine that sends on is told of commits so often, or after so many bytes of its: a quarter of
// the smallest ring.
constexpr absl::Duration kAckEvery = absl::Milliseconds(20);
constexpr size_t kAckBytes = size_t{16} << 10;
// How many events an engine may be ahead of what we have; its ring bounds the bytes.
constexpr uint64_t kWindow = 16384;

absl::StatusOr<bus::FromEngine> Decode(std::string_view kind, std::string_view bytes) {
  if (bytes.size() > kMaxEventsBytes) return Malformed("too_large", "a message over 2 MiB");
  return bus::Decode(kind, bytes);
}

// They lie in one message.
size_t BytesOf(const bus::Events& events) {
  const std::string_view first = events.records.front(), last = events.records.back();
  return static_cast<size_t>(last.data() + last.size() - first.data());
}

}  // namespace

absl::StatusOr<std::unique_ptr<EngineIngress>> EngineIngress::Bind(zmq::context_t& context,
                                                                   const std::string& endpoint,
                                                                   Parts parts) {
  auto bound = BoundSocket::Bind(context, zmq::socket_type::router, "listen.engine", endpoint);
  if (!bound.ok()) return bound.status();
  // A peer that is gone is an error to see, not a message to lose unseen.
  bound->socket().set(zmq::sockopt::router_mandatory, true);
  return std::unique_ptr<EngineIngress>(new EngineIngress(*std::move(bound), parts));
}

EngineIngress::EngineIngress(BoundSocket bound, Parts parts)
    : bound_(std::move(bound)),
      parts_(parts),
      log_(parts.log, parts.clock),
      duplicates_(parts.metrics.GetCounter("tallybus_engine_duplicates_total",
                                           "Events that an engine sent again and we had")),
      gaps_(parts.metrics.GetCounter("tallybus_engine_resyncs_total",
                                     "Times that an engine was asked to go back")),
      refused_(parts.metrics.GetCounter("tallybus_engines_refused_total",
                                        "Engines refused for their protocol version")),
      engine_dropped_(parts.metrics.GetCounter(
          "tallybus_engine_events_dropped_total",
          "Events that engines dropped because their ring was full, as they say")),
      dropped_(parts.metrics.GetCounter("tallybus_client_messages_dropped_total",
                                        "Client messages that could not be sent",
                                        {{"channel", "engine"}})),
      connected_gauge_(
          parts.metrics.GetGauge("tallybus_engines_connected", "Engines that are connected")) {}

void EngineIngress::Restore(const std::vector<PublisherRecord>& publishers) {
  for (const PublisherRecord& record : publishers) {
    publishers_.Restore(record, parts_.clock.Now(), parts_.clock.WallNow());
  }
}

// Taken even where there is no room for events.
void EngineIngress::Tell(PublisherChange change) {
  IngressBatch batch;
  batch.records.emplace_back(std::move(change));
  absl::Status status = sink_->Accept(std::move(batch));
  if (!status.ok()) log_.Write(LogLevel::kWarning, status.ToString());
}

bool EngineIngress::Receive() {
  std::vector<zmq::message_t> frames;
  size_t bytes = 0;
  for (int i = 0; i < kMessagesATurn && bytes < kBytesATurn; ++i) {
    if (!bound_.Receive(3, &frames)) return false;
    bytes += frames.back().size();
    TALLYBUS_FAULT_POINT("ingress.received");
    const std::string peer(Text(frames[0]));
    absl::StatusOr<bus::FromEngine> message =
        frames.size() == 3
            ? Decode(Text(frames[1]), Text(frames[2]))
            : Malformed("frames", "the acknowledged bus takes two: kind and message");
    if (message.ok()) {
      std::visit([&](auto& m) { Take(peer, std::move(m)); }, *message);
      continue;
    }
    CountMalformed(MalformedReason(message.status()));
    log_.Write(
        LogLevel::kWarning,
        absl::StrCat("engine bus: dropped a malformed message: ", message.status().message(),
                     frames.size() > 1 ? absl::StrCat("; it begins with \"",
                                                      EscapedPrefix(Text(frames.back())), "\"")
                                       : ""));
  }
  return true;
}

void EngineIngress::CountMalformed(std::string_view reason) {
  parts_.metrics
      .GetCounter("tallybus_malformed_total", "Malformed messages, by bus and reason",
                  {{"bus", "engine"}, {"reason", std::string(reason)}})
      .Add();
}

void EngineIngress::Take(const std::string& peer, bus::Hello&& hello) {
  if (hello.protocol_min > bus::kProtocolMax || hello.protocol_max < bus::kProtocolMin) {
    refused_.Add();
    const std::string reason =
        absl::StrCat("the engine speaks protocol ", hello.protocol_min, " to ", hello.protocol_max,
                     ", this router ", bus::kProtocolMin, " to ", bus::kProtocolMax);
    log_.Write(LogLevel::kError, absl::StrCat("engine bus: refused \"",
                                              EscapedPrefix(hello.node_id, 128), "\": ", reason));
    Send(peer, bus::Refuse{reason});
    return;
  }
  const size_t longest =
      std::max({hello.node_id.size(), hello.app_key.size(), hello.library_version.size()});
  if (longest > kMaxNameBytes || hello.epoch == 0) {
    CountMalformed("too_large");
    log_.Write(LogLevel::kWarning,
               "engine bus: dropped a HELLO without an epoch or with a name "
               "over 255 bytes");
    return;
  }
  const Publisher* before = publishers_.FindPeer(peer);
  const bool again = before != nullptr && before->epoch == hello.epoch;
  Publisher& publisher = publishers_.Hello(hello, peer, parts_.clock.Now());
  RaiseSendThrough(publisher);
  Tell(ChangeOf(publisher, PublisherChange::Action::kHello));
  if (!again) {
    log_.Write(LogLevel::kInfo,
               absl::StrCat("engine bus: \"", EscapedPrefix(hello.node_id, 128),
                            "\" connected, library ", EscapedPrefix(hello.library_version)));
  }
  connected_gauge_.Set(static_cast<int64_t>(publishers_.connected()));
  Send(peer, bus::Welcome{parts_.router_epoch, std::min(hello.protocol_max, bus::kProtocolMax),
                          publisher.expected, publisher.send_through});
}

// The publisher that speaks as `epoch`; one that this router does not know is told to say HELLO.
Publisher* EngineIngress::Known(const std::string& peer, uint64_t epoch) {
  Publisher* publisher = publishers_.FindPeer(peer);
  if (publisher == nullptr || publisher->epoch != epoch) {
    // What a connection sent before its engine opened a newer one is still good.
    publisher = publishers_.Find(epoch);
    if (publisher == nullptr || publisher->peer.empty()) {
      Send(peer, bus::Resync{parts_.router_epoch, 0});
      return nullptr;
    }
  }
  publisher->heard = parts_.clock.Now();
  if (publisher->lost) {  // it was slow, not gone: before anything else that it says
    publisher->lost = false;
    Tell(ChangeOf(*publisher, PublisherChange::Action::kHello));
  }
  return publisher;
}

void EngineIngress::Take(const std::string& peer, bus::Heartbeat&& heartbeat) {
  Publisher* publisher = Known(peer, heartbeat.epoch);
  if (publisher == nullptr || heartbeat.dropped <= publisher->dropped) return;
  PublisherChange change = ChangeOf(*publisher, PublisherChange::Action::kDropped);
  change.dropped = heartbeat.dropped - publisher->dropped;
  publisher->dropped = heartbeat.dropped;
  engine_dropped_.Add(change.dropped);
  Tell(std::move(change));
}

void EngineIngress::Take(const std::string& peer, bus::Events&& events) {
  if (events.records.size() > kMaxRecords) {
    CountMalformed("too_large");
    log_.Write(LogLevel::kWarning, "engine bus: dropped EVENTS of over 65,536 records");
    return;
  }
  Publisher* publisher = Known(peer, events.epoch);
  if (publisher == nullptr || publisher->starved || events.records.empty()) return;
  if (events.first_sequence > publisher->expected) {
    AskForExpected(*publisher);
    return;
  }
  const uint64_t known = publisher->expected - events.first_sequence;
  const size_t skip = std::min<uint64_t>(known, events.records.size());
  duplicates_.Add(skip);
  if (skip < events.records.size()) TakeRecords(*publisher, events, skip);
  publisher->record_bytes = BytesOf(events) / events.records.size();
  const bool needs_room = publisher->expected + kWindow / 2 > publisher->send_through;
  publisher->ack_at_once |= skip > 0 || publisher->starved || needs_room;
}

bool EngineIngress::AskForExpected(Publisher& publisher) {
  const MonoTime now = parts_.clock.Now();
  // All that was already under way shows the same gap: to ask four times a second is enough.
  if (publisher.resync_for == publisher.expected && now - publisher.resync_sent < kAskEvery) {
    return false;
  }
  publisher.resync_for = publisher.expected;
  publisher.resync_sent = now;
  gaps_.Add();
  Send(publisher.peer, bus::Resync{parts_.router_epoch, publisher.expected});
  return true;
}

void EngineIngress::RaiseSendThrough(Publisher& publisher) {
  if (sink_->HasRoom()) {
    publisher.send_through = std::max(publisher.send_through, publisher.expected - 1 + kWindow);
  }
}

void EngineIngress::OnDurable(const Watermark& watermark) {
  Publisher* publisher = publishers_.Find(watermark.epoch);
  if (publisher == nullptr) return;
  publisher->durable_through = std::max(publisher->durable_through, watermark.through);
}

void EngineIngress::Acknowledge() {
  next_ack_ = MonoTime::Infinite();
  const MonoTime now = parts_.clock.Now();
  for (auto& [epoch, publisher] : publishers_) {
    if (publisher.starved && sink_->HasRoom()) publisher.starved = !AskForExpected(publisher);
    const uint64_t untold = publisher.durable_through - publisher.told_through;
    if ((untold == 0 && !publisher.ack_at_once) || publisher.peer.empty()) continue;
    const MonoTime due = publisher.told + kAckEvery;
    const bool waits = publisher.ack_at_once || publisher.said_bye;
    if (!waits && untold * publisher.record_bytes < kAckBytes && now < due) {
      next_ack_ = std::min(next_ack_, due);
      continue;
    }
    publisher.ack_at_once = false;
    publisher.told_through = publisher.durable_through;
    if (untold > 0) publisher.told = now;
    RaiseSendThrough(publisher);
    TALLYBUS_FAULT_POINT("ingress.acknowledging");
    Send(publisher.peer, bus::Ack{publisher.durable_through, publisher.send_through});
  }
}

void EngineIngress::AcknowledgeAll() {
  for (auto& [epoch, publisher] : publishers_) {
    publisher.ack_at_once |= publisher.durable_through > publisher.told_through;
  }
  Acknowledge();
}

MonoTime EngineIngress::Tick() {
  const MonoTime now = parts_.clock.Now();
  if (now - ticked_ < kHeartbeatEvery) return std::min(ticked_ + kHeartbeatEvery, next_ack_);
  ticked_ = now;
  EndLost(now);
  Forget(now);
  sequences_.Prune(now);
  for (auto& [epoch, publisher] : publishers_) {
    if (publisher.peer.empty()) continue;
    Send(publisher.peer, bus::Heartbeat{parts_.router_epoch});
    publisher.ack_at_once = true;
  }
  Acknowledge();
  connected_gauge_.Set(static_cast<int64_t>(publishers_.connected()));
  return now + kHeartbeatEvery;
}

void EngineIngress::EndLost(MonoTime now) {
  for (const Publisher& lost : publishers_.TakeLost(now, parts_.grace)) {
    log_.Write(LogLevel::kError,
               absl::StrCat("engine bus: \"", EscapedPrefix(lost.node_id, 128),
                            "\" is lost: not heard of for ",
                            absl::FormatDuration(absl::Trunc(now - lost.heard, absl::Seconds(1)))));
    Tell(ChangeOf(lost, PublisherChange::Action::kLost));
  }
}

// Their engine is gone for good; the router need not remember them.
void EngineIngress::Forget(MonoTime now) {
  const Publishers::Forgotten forgotten = publishers_.Prune(now);
  for (const Publisher& publisher : forgotten.publishers) {
    Tell(ChangeOf(publisher, PublisherChange::Action::kForgotten));
  }
  if (forgotten.sessions.empty()) return;
  IngressBatch batch;
  for (const std::string& id : forgotten.sessions) {
    SessionChange change;
    change.action = SessionChange::Action::kClose;
    change.session_id = id;
    batch.records.push_back(std::move(change));
  }
  absl::Status status = sink_->Accept(std::move(batch));
  if (!status.ok()) log_.Write(LogLevel::kWarning, status.ToString());
}

void EngineIngress::Notify(const Notification& n) {
  const Publisher* publisher = publishers_.OfSession(n.session_id);
  if (publisher == nullptr || !publisher->client_messages) return;
  const uint64_t sequence = sequences_.Next(n.session_id, parts_.clock.Now());
  if (publisher->peer.empty()) {
    dropped_.Add();
    return;
  }
  const std::string meta = ClientMeta(n, sequence);
  Send(publisher->peer, bus::Client{n.session_id, n.message, n.json, meta});
}

bool EngineIngress::Terminate(uint64_t epoch, const Event& stream, std::string_view reason) {
  const Publisher* publisher = publishers_.Find(epoch);
  if (publisher == nullptr || publisher->peer.empty()) return false;
  Send(publisher->peer, bus::Terminate{stream.session_id, stream.media_session_id, reason});
  return true;
}

void EngineIngress::Send(const std::string& peer, const bus::ToEngine& message) {
  if (peer.empty()) return;
  const bus::Encoded encoded = bus::Encode(message);
  const auto more = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
  bool sent = false;
  try {
    // Only the first frame can be refused: by a peer that is gone, or one that reads too slowly.
    sent = socket().send(zmq::buffer(peer), more).has_value();
    if (sent) {
      (void)socket().send(zmq::buffer(&encoded.kind, 1), more);
      (void)socket().send(zmq::buffer(encoded.bytes), zmq::send_flags::dontwait);
    }
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) {
      Publisher* publisher = publishers_.FindPeer(peer);
      if (publisher != nullptr) publishers_.Disconnect(*publisher);
    }
  }
  // Everything else is said again within a second.
  if (sent || !std::holds_alternative<bus::Client>(message)) return;
  dropped_.Add();
  // One that is there reads too slowly.
  if (publishers_.FindPeer(peer) != nullptr) ++gaps_of_readers_;
}

}  // namespace tallybus::zmq_transport
