// The seam between the router and a wire: a transport tries once and reports a verdict.
#ifndef TALLYBUS_TRANSPORT_H_
#define TALLYBUS_TRANSPORT_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tallybus/clock.h"
#include "tallybus/event.h"

namespace tallybus {

// Names one open attempt. Never reused within a process.
enum class Ticket : uint64_t {};

// One URL or address with its limits. Immutable: a reload makes a new one with a new id.
struct Endpoint {
  uint64_t id = 0;    // unique in the process: a transport may cache what it prepared under it
  std::string route;  // name of the route that it belongs to, for logs and metrics
  std::string url;
  absl::Duration timeout = absl::Seconds(10);  // of one attempt, connect and answer included
  int max_connections = 128;
  std::map<std::string, std::string> options;  // by the transport's own option names
};

// One event to send, and what its receiver may want to know of it.
struct Parcel {
  const Event& event;
  std::string_view body;  // the bytes to send: the event's JSON after its route's exclusions
  std::string_view lane;
  uint64_t lane_sequence;  // from 1 in this lane of this route; 0: it is of no lane
  int attempt;             // from 1
  bool redelivery;         // an earlier attempt may have arrived
  bool reordered;          // events of its lane do not come in order here
  uint32_t coalesced;      // older events that this one replaced
};

// One attempt to make: one request, one verdict. Everything that it refers to lives until Complete
// is called for its ticket.
struct Delivery {
  Ticket ticket;
  std::span<const Parcel> parcels;  // at least one; more only where the route sends batches
  const Endpoint& endpoint;
  MonoTime deadline;
  bool want_answer;  // DeliveryResult.answer is read
  // A call that the backend may refuse: one bare object to its method's path, also where the
  // endpoint's events come in batches.
  bool is_call = false;
  // Beyond the endpoint's max_connections: see Transport::most_ahead.
  bool ahead = false;
};

// What the peer's answer means for an event that must arrive (`delivery: guaranteed`).
enum class Verdict {
  kDelivered,
  kRetryLater,  // no answer, or one that asks to come back
  kHold,        // the endpoint or the method needs a hand: credentials, path
  kRejected,    // this event will never be taken
  kGone,        // the endpoint wants no more events
};

// The code of a result's status.
absl::StatusCode StatusCodeOf(Verdict verdict);

struct DeliveryResult {
  Verdict verdict = Verdict::kRetryLater;
  absl::Status status;  // for the log; OK where delivered. CANCELLED: the transport's own stop
                        // ended the attempt, and the event stays as it was
  absl::Duration retry_after = absl::ZeroDuration();  // the peer's hint; zero: none
  int remote_code = 0;                                // HTTP status; 0: no answer came
  bool never_sent = false;                            // the request surely did not reach the peer
  bool answer_cut = false;                            // the answer was longer than we read
  absl::Duration waited = absl::ZeroDuration();  // ahead, for a connection: not the peer's time
  bool connection_reused = false;
  bool hold_method = false;  // kHold: of this event's method alone; other methods may be taken
  // What a client may be told: the reason phrase of the answer, or one of the fixed words:
  // connection refused, connection reset, timed out, TLS failure, host not found.
  std::string reason;
  std::string answer;  // body of the answer, at most 64 KiB; empty unless want_answer
};

struct Completion {
  Ticket ticket;
  DeliveryResult result;
};

class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  // [any thread] Once for each ticket. Never blocks or fails: a place is reserved for each open
  // ticket. A second or late completion, or one for a ticket that is not open, is counted and
  // dropped.
  virtual void Complete(Ticket ticket, DeliveryResult result) = 0;
  // [any thread] Complete for each; the results are moved from. For transports that hear of several
  // at once: one hand-off wakes the router once.
  virtual void CompleteAll(std::span<Completion> done) {
    for (Completion& each : done) Complete(each.ticket, std::move(each.result));
  }
};

// In a row, at one endpoint, before the router sends ahead of its connections.
inline constexpr int kSuccessesBeforeAhead = 100;

class Transport {
 public:
  virtual ~Transport() = default;
  // [control] Before the first Deliver. An error stops the process from starting.
  virtual absl::Status Start() = 0;
  // [router] Does not block. Completes every ticket exactly once, by its deadline, on any thread; a
  // completion may come before this returns. Deliveries of one lane come in order.
  virtual void Deliver(std::span<const Delivery> deliveries) = 0;
  // [router] How many deliveries of an endpoint it takes beyond max_connections, and keeps until a
  // connection is free, so that the next request need not wait for the router. No such one begins
  // behind a failure, before kSuccessesBeforeAhead attempts have succeeded again, or when a tenth
  // of its time is gone: it is completed as CANCELLED and never_sent, and no attempt was made.
  virtual int most_ahead() const { return 0; }
  // [control] Lets open attempts finish until `deadline`, then aborts them; every open ticket is
  // completed when it returns. A second call does nothing. A Deliver that comes later is completed
  // with kRetryLater.
  virtual void Stop(MonoTime deadline) = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORT_H_
