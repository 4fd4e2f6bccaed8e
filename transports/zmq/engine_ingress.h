// The acknowledged bus on ROUTER: takes each engine's sequence without gap or repetition, and
// acknowledges what the spool has.
#ifndef TALLYBUS_ZMQ_ENGINE_INGRESS_H_
#define TALLYBUS_ZMQ_ENGINE_INGRESS_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"
#include "tallybus/codec.h"
#include "tallybus/ingress.h"
#include "tallybus/limited_log.h"
#include "tallybus/metrics.h"
#include "transports/zmq/bound_socket.h"
#include "transports/zmq/publishers.h"
#include "transports/zmq/topic_sequences.h"

namespace tallybus::zmq_transport {

// One thread: the router's. Also the way back: an engine that asked for them gets its sessions'
// client messages.
class EngineIngress final : public CommitListener, public ClientChannel, public EngineCommands {
 public:
  struct Parts {  // borrowed; all of it outlives the ingress
    const Clock& clock;
    Metrics& metrics;
    Log& log;
    uint64_t router_epoch;
    absl::Duration grace = absl::Seconds(30);  // engines.grace
  };
  // [control] listen.engine.
  static absl::StatusOr<std::unique_ptr<EngineIngress>> Bind(zmq::context_t& context,
                                                             const std::string& endpoint,
                                                             Parts parts);
  // [control] For an engine in this process, with sockets of the same context.
  absl::Status BindInside(const std::string& endpoint) { return bound_.BindInside(endpoint); }
  // [control] Before the first Receive.
  void SetSink(EventSink& sink) { sink_ = &sink; }
  // [control] What an earlier process knew of engines; those that do not come back are lost.
  void Restore(const std::vector<PublisherRecord>& publishers);

  // [owner] Reads what is there, up to a bound; true where more may wait.
  bool Receive();
  // [owner] Sends the acknowledgements that are due; call it after the router's Step.
  void Acknowledge();
  // [owner] Sends those that are owed, as the last thing.
  void AcknowledgeAll();
  // [owner] After Acknowledge. Heartbeats, timeouts, room that came back; returns when it wants to
  // be called again.
  MonoTime Tick();

  void OnDurable(const Watermark& watermark) override;
  void Notify(const Notification& notification) override;
  bool Terminate(uint64_t epoch, const Event& stream, std::string_view reason) override;
  void ForgetSession(std::string_view session_id) override {
    publishers_.ForgetSession(session_id);
  }
  uint64_t gaps() const override { return gaps_of_readers_; }

  zmq::socket_t& socket() { return bound_.socket(); }
  bool HasUnannounced() { return bound_.HasUnannounced(); }
  const std::string& endpoint() const { return bound_.endpoint(); }
  size_t connected() const { return publishers_.connected(); }

 private:
  EngineIngress(BoundSocket bound, Parts parts);

  void Take(const std::string& peer, bus::Hello&& hello);
  void Take(const std::string& peer, bus::Heartbeat&& heartbeat);
  void Take(const std::string& peer, bus::Events&& events);
  void Take(const std::string& peer, bus::State&& state);

  EventDefaults DefaultsOf(const Publisher& publisher) const;
  Publisher* Known(const std::string& peer, uint64_t epoch);
  void TakeRecords(Publisher& publisher, const bus::Events& events, size_t skip);
  void TakeRecord(Publisher& publisher, std::string_view record, uint64_t sequence,
                  const EventDefaults& defaults, IngressBatch* batch);
  void NoteEnd(const Event& event);
  // What the router will answer, and how that comes back to its engine.
  Ask AskOf(const Publisher& publisher, bus::Connect&& connect);
  bool AskForExpected(Publisher& publisher);  // true: it was asked
  void RaiseSendThrough(Publisher& publisher);
  void Tell(PublisherChange change);
  void EndLost(MonoTime now);
  void Forget(MonoTime now);
  void Send(const std::string& peer, const bus::ToEngine& message);
  void CountMalformed(std::string_view reason);

  BoundSocket bound_;
  Parts parts_;
  EventSink* sink_ = nullptr;
  Publishers publishers_;
  TopicSequences sequences_;
  MonoTime ticked_;
  MonoTime next_ack_ = MonoTime::Infinite();
  LimitedLog log_;
  uint64_t gaps_of_readers_ = 0;
  Counter& duplicates_;
  Counter& gaps_;
  Counter& refused_;
  Counter& engine_dropped_;
  Counter& dropped_;
  Gauge& connected_gauge_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_ENGINE_INGRESS_H_
