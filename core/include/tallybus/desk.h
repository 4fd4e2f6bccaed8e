// What an operator may ask of a running router, and have it do.
#ifndef TALLYBUS_DESK_H_
#define TALLYBUS_DESK_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/live_page.h"
#include "tallybus/spool.h"
#include "tallybus/trace.h"
#include "tallybus/transport.h"

namespace tallybus {

struct EndpointStatus {
  std::string route;
  std::string url;     // empty: the route is not configured any more
  std::string state;   // "ready", "held", "paused", "disabled", "paused, not configured", ...
  std::string reason;  // ours or the operator's
  std::string author;
  absl::Time since = absl::InfinitePast();       // infinite: since the start
  absl::Time next_try = absl::InfiniteFuture();  // infinite: not by time alone
  std::string breaker;                           // "closed", "open", "half open"
  absl::Time oldest = absl::InfiniteFuture();    // accepted, of what waits; infinite: nothing does
  std::string last_error;                        // of the last attempt that failed; empty: none did
  absl::Time last_error_at = absl::InfinitePast();
  int limit = 0;
  int in_flight = 0;
  uint64_t waiting = 0;  // events
  uint64_t bytes = 0;
  uint64_t quota_bytes = 0;  // 0: none
  std::vector<HeldMethodStatus> held_methods;
};

struct AlertStatus {
  std::string name;
  std::string subject;
  bool critical = true;
  std::string text;
  absl::Time since;
};

// What a replay came to.
struct ReplayResult {
  uint64_t replayed = 0;
  uint64_t no_route = 0;  // their route is not configured
  uint64_t damaged = 0;
  uint64_t disabled = 0;    // their endpoint is disabled: they would be dead letters again
  uint64_t no_room = 0;     // their route's quota would be passed
  SpoolSeq first_left = 0;  // of those: they are among the rows from here to `last_row`
  SpoolSeq last_row = 0;
  uint64_t rejected = 0;  // the bus could not read them: they are no events, and go nowhere
  uint64_t alerts = 0;    // old alerts would page people: only with their route in the filter
};

struct EndpointTestResult {
  DeliveryResult result;
  absl::Duration took;
};

// [owner] All calls; callbacks come on the owner's thread.
class Desk {
 public:
  virtual ~Desk() = default;
  virtual std::vector<EndpointStatus> Endpoints() const = 0;
  virtual std::vector<AlertStatus> Alerts() const = 0;
  // Streams or sessions that live, by all that was accepted before.
  virtual LivePage FindLive(const LivePageFilter& filter) = 0;

  // Resume and Enable have what waits there tried now, also what is not due yet.
  enum class Verb { kPause, kResume, kDisable, kEnable };
  // NOT_FOUND: no such route. FAILED_PRECONDITION: not from the state that it is in.
  virtual absl::Status Control(std::string_view route, Verb verb, std::string reason,
                               std::string author) = 0;
  // Sends one TallybusTestEvent outside of all lanes, whatever the endpoint's state.
  using Tested = std::function<void(absl::StatusOr<EndpointTestResult>)>;
  virtual void Test(std::string_view route, Tested done) = 0;

  // What is known of an event, by its id, or of the newest ones of a stream or session. What this
  // process has not seen is looked for in the spool.
  using Traced = std::function<void(Trace)>;
  virtual void FindTrace(const std::string& id_or_name, Traced done) = 0;
  // One page of the spool. A row that waits says why, where that is known: `reason` has the
  // endpoint's state or what its last attempt brought, `http_status` that attempt's answer.
  virtual void Find(const StoredFilter& filter, StoredCallback done) = 0;
  // Sends again what the filter finds among dead letters and what is retained: each as a new row at
  // the end of its lane, under its id, in the old one's place, while the route's quota has room:
  // nothing is shed for it, nor is it shed itself. Alerts only where the filter names their route.
  // With `dry_run` it only counts. FAILED_PRECONDITION: another one is under way. UNAVAILABLE: the
  // spool cannot be written.
  using Replayed = std::function<void(absl::StatusOr<ReplayResult>)>;
  virtual void Replay(const StoredFilter& filter, bool dry_run, Replayed done) = 0;
  // Forgets the dead letters that the filter finds. With `dry_run` it only counts. UNAVAILABLE as
  // above.
  using Dropped = std::function<void(absl::StatusOr<uint64_t>)>;
  virtual void Drop(const StoredFilter& filter, bool dry_run, Dropped done) = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DESK_H_
