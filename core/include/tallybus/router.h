// The straight line: Decide, Append, Notify, Dispatch, Settle.
#ifndef TALLYBUS_ROUTER_H_
#define TALLYBUS_ROUTER_H_

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"
#include "tallybus/desk.h"
#include "tallybus/ingress.h"
#include "tallybus/live_streams.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/route.h"
#include "tallybus/spool.h"
#include "tallybus/transport.h"

namespace tallybus {

// What became of everything so far, for the last line of a process and for tests.
struct RouterTotals {
  uint64_t accepted = 0;
  uint64_t delivered = 0;  // any answer that settled without failure
  uint64_t failed = 0;     // settled by an answer that was a failure
  uint64_t given_up = 0;
  uint64_t shed = 0;       // went because the route's quota was full
  uint64_t coalesced = 0;  // a newer event took its place
  uint64_t waiting = 0;    // in the spool, not in flight
  uint64_t in_flight = 0;
  uint64_t unknown = 0;  // of both: may have reached the endpoint, which did not answer
};

// Has no thread of its own and never asks the time but of its clock: whoever owns it calls Step.
class Router final : public EventSink, public DeliverySink, public SpoolEvents {
 public:
  struct Parts {  // borrowed; all of it outlives the router
    const Clock& clock;
    Spool& spool;
    Metrics& metrics;
    Log& log;
    std::vector<ClientChannel*> clients;
    CommitListener* commits = nullptr;  // nullptr: nobody asks
    EngineCommands* engines = nullptr;  // nullptr: none takes commands
    std::function<void()> wake;         // [any thread] makes the owner call Step soon; may be empty
    uint64_t epoch = 1;                 // ids of events that bring none; random, not 0
    uint64_t jitter_seed = 1;
    std::string node_id = {};  // of events that are about the router itself
    absl::Duration session_ttl = absl::Hours(24);
    bool end_lost_streams = true;  // engines.on_lost: fail_streams
    bool offline = false;  // sends nothing: an operator's hand on a spool that no daemon has
  };
  explicit Router(Parts parts);
  ~Router() override;
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // [control] Takes over what an earlier process left in the spool. Before any other call.
  absl::Status Start();
  // [control] What is known of publishers, for their ingress, once after Start.
  std::vector<PublisherRecord> TakePublishers();
  // [control] The ids of open-bus nodes that sent heartbeats, once after Start.
  std::vector<std::string> TakeBeatingNodes();

  // [owner] Replaces the routes for events that are accepted from here on. What is spooled keeps
  // what was decided for it, and goes where the route of its name points; where there is none, it
  // stays.
  void SetRoutes(RouteTable routes);

  // [owner] Whether the configuration was taken that was to be read again; where not, why. An alert
  // stands until the next that is.
  void NoteReload(const absl::Status& taken);
  // [owner] What is to be said of the credentials of those routes that lose them soon, by route. Of
  // the others an alert is over.
  void NoteCredentials(const std::map<std::string, std::string>& ending);

  absl::Status Accept(IngressBatch&& batch) override;            // [any thread]
  bool IsBehind() const override;                                // [any thread]
  bool HasRoom() const override;                                 // [any thread]
  void Complete(Ticket ticket, DeliveryResult result) override;  // [any thread]
  void CompleteAll(std::span<Completion> done) override;         // [any thread]
  void OnCommitted(SpoolBatch batch) override;                   // [any thread]
  void OnLoaded(std::vector<SpoolRowPtr> rows) override;         // [any thread]
  void OnFault(absl::Status status) override;                    // [any thread]

  // [any thread] Has the owner call `task` in its next turn; it must not block. A task that comes
  // after the owner's last turn is dropped.
  void Post(std::function<void()> task);
  // [owner] The streams that live, for each filter, by all that was accepted before: without what
  // clientExclude names, with the engine's own fields where OVERWRITE would change a client's copy.
  // What a client channel was notified of before is in it. So is an event whose copy still waits,
  // for an answer under OVERWRITE or for its session's connect: the channel is notified later.
  // Those filters for which `most_bytes` has no room are postponed, the last ones first.
  std::vector<LiveStreams> FindLive(const std::vector<LiveFilter>& filters,
                                    size_t most_bytes = kMostLiveBytes) const;
  // [owner] What an operator may ask and do.
  Desk& desk();

  // [owner] One bounded turn. Returns when it wants the next: a time, or nullopt for "when woken".
  std::optional<MonoTime> Step();

  // [owner] Takes no more events and tries nothing again. What is in flight may still complete, and
  // what waits for its first attempt still gets it, as long as Step is called.
  void BeginShutdown();
  // [owner] Makes no further attempt at all: before the transports stop.
  void StopDispatch();
  // [owner] Looks at every lane that is not idle.
  RouterTotals Totals() const;

  class Line;  // the inside

 private:
  std::unique_ptr<Line> line_;
  std::unique_ptr<Desk> desk_;
};

}  // namespace tallybus

#endif  // TALLYBUS_ROUTER_H_
