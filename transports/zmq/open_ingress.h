// The open bus on PULL: events from any ZeroMQ program, frames [method][JSON object] or
// [method][protobuf Envelope]; at most once.
#ifndef TALLYBUS_ZMQ_OPEN_INGRESS_H_
#define TALLYBUS_ZMQ_OPEN_INGRESS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/codec.h"
#include "tallybus/ingress.h"
#include "tallybus/limited_log.h"
#include "tallybus/metrics.h"
#include "transports/zmq/beating_nodes.h"
#include "transports/zmq/bound_socket.h"

namespace tallybus::zmq_transport {

// One thread. What is malformed or finds no room is counted by reason and dropped.
class OpenIngress {
 public:
  struct Parts {  // borrowed; all of it outlives the ingress
    EventSink& sink;
    const Clock& clock;
    Metrics& metrics;
    Log& log;
    std::string node_id;                       // of events that name none
    absl::Duration grace = absl::Seconds(30);  // engines.grace, of nodes that send a heartbeat
  };
  // [control] listen.open.
  static absl::StatusOr<std::unique_ptr<OpenIngress>> Bind(zmq::context_t& context,
                                                           const std::string& endpoint,
                                                           Parts parts);
  // [control] Nodes that an earlier process heard heartbeats of: they count as heard of now.
  void Restore(const std::vector<std::string>& nodes);
  // [owner] Reads what is there, up to a bound; true where more may wait.
  bool Receive();
  // [owner] True while events are left with ZeroMQ, because the spool is behind.
  bool IsPaused() const { return parts_.sink.IsBehind(); }
  // [owner] Ends what lost nodes left; returns when it wants to be called again.
  MonoTime Tick();

  zmq::socket_t& socket() { return bound_.socket(); }
  bool HasUnannounced() { return bound_.HasUnannounced(); }
  const std::string& endpoint() const { return bound_.endpoint(); }

 private:
  OpenIngress(BoundSocket bound, Parts parts);
  absl::StatusOr<Event> Decode(const std::vector<zmq::message_t>& frames) const;
  void CountMalformed(const absl::Status& status, const std::vector<zmq::message_t>& frames);
  void HandOver(IngressBatch batch);
  void Tell(const std::string& node, PublisherChange::Action action);

  BoundSocket bound_;
  Parts parts_;
  LimitedLog log_;
  Counter& dropped_;
  BeatingNodes nodes_;
  MonoTime ticked_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_OPEN_INGRESS_H_
