// What is known of the ways of some events: values, their time line, JSON, and one closing
// sentence.
#ifndef TALLYBUS_TRACE_H_
#define TALLYBUS_TRACE_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/event.h"

namespace tallybus {

// How many events are remembered, the newest ones.
inline constexpr size_t kTracedEvents = 65'536;

enum class ClientOutcome {
  kTold,          // handed to the session's client channels
  kOverwritten,   // the same, with fields of the backend's answer
  kAwaitsAnswer,  // waits for the backend's answer
  kAwaitsTurn,    // waits behind an earlier one of its stream that does
  kNoSession,     // the event names no session
  kNobody,        // no client channel is there
};

enum class NotSentReason { kNoBackend, kNoRoute, kRestPolicyDisable, kMethodNotListed, kDryRun };

// What ended an event's way to one route.
enum class Fate {
  kDelivered,
  kFailedAnswer,  // any answer settles on this route, and it was a failure
  kGivenUp,       // a dead letter
  kRejected,      // a dead letter: the endpoint will never take it
  kGone,          // the endpoint wants no more events
  kShed,          // the route was over its share of the spool
  kCoalesced,     // a newer event went in its place
  kDropped,       // taken out by hand
};

enum class EndpointState { kOpenForBusiness, kBreakerOpen, kHeld, kPaused, kDisabled };

// A time that is not known, or has not come, is absl::InfinitePast() throughout.
struct TracedAttempt {
  int number = 0;  // from 1; 0: there was none
  absl::Time begun = absl::InfinitePast();
  absl::Time failed = absl::InfinitePast();
  int http_status = 0;  // of the failure; 0: no answer came
  std::string info;     // of the failure: the answer's reason phrase, or a fixed word
};

// One event on its way to one route. Of many attempts the first and the last are kept.
struct TracedRoute {
  std::string route;  // for what was never sent possibly the app alone
  std::optional<NotSentReason> not_sent;
  uint64_t row = 0;   // in the spool; 0: never sent
  uint64_t lane = 0;  // equal for two rows of one lane of this process; means nothing else
  uint64_t lane_sequence = 0;
  absl::Time begun = absl::InfinitePast();  // spooled, or decided not to be
  bool resumed = false;                     // what came before `begun` was not seen
  bool replayed = false;                    // sent again by hand
  TracedAttempt first;
  TracedAttempt last;  // the same as `first` where there was one only
  absl::Time next_attempt = absl::InfinitePast();
  std::optional<Fate> fate;
  absl::Time settled = absl::InfinitePast();
  std::string why;  // of an end that no attempt brought; may be empty
};

// Texts longer than 64 bytes are cut, and say so.
struct TracedEvent {
  EventId id;
  std::string name;
  std::string media_session_id;
  std::string session_id;
  std::string app_key;
  std::string method;
  std::string status;
  bool from_router = false;
  bool resumed = false;  // an earlier process accepted it, or this one long ago
  absl::Time time = absl::InfinitePast();
  absl::Time accepted = absl::InfinitePast();
  std::optional<ClientOutcome> clients;
  absl::Time clients_at = absl::InfinitePast();
  std::vector<TracedRoute> routes;  // oldest first
  bool routes_forgotten = false;    // older entries of `routes` are no longer kept
};

struct EndpointChange {
  absl::Time at = absl::InfinitePast();
  std::string route;
  EndpointState state = EndpointState::kOpenForBusiness;
  std::string reason;  // may be empty
};

// A method that the endpoint does not take now, while it takes others.
struct HeldMethodStatus {
  std::string method;
  int code = 0;  // the answer behind it; 0: one without a code
  absl::Time since = absl::InfinitePast();
  absl::Time next_try = absl::InfinitePast();
  std::string reason;  // "answer 404", or the phrase of one without a code
};

// How a route is now, as far as it concerns what waits for it.
struct RouteNow {
  std::string route;
  bool configured = true;
  absl::Time next_try = absl::InfinitePast();  // where the endpoint is shut and time alone opens it
  std::vector<HeldMethodStatus> held_methods;
};

struct Trace {
  std::vector<TracedEvent> events;        // newest last
  std::vector<EndpointChange> endpoints;  // of their routes while they were under way, newest last
  std::vector<RouteNow> routes;           // those that the events wait for
  size_t left_out = 0;                    // older events that also fit what was asked
};

// One line of a time line.
struct TraceStep {
  absl::Time at;
  std::optional<size_t> event;  // index into Trace::events; an endpoint's own step has none
  std::string route;            // may be empty
  std::string what;             // plain words
};

// All functions: [any thread], without side effects.

// Everything that has a time, oldest first.
std::vector<TraceStep> StepsOf(const Trace& trace);

// One paragraph in plain words: where the events are, as of `now`, with times of day in `zone`.
std::string ClosingSentence(const Trace& trace, absl::Time now, absl::TimeZone zone);

// One JSON object: `sentence`, `leftOut`, `events` (names, and for each of its `routes` the
// `state`), `steps` (`at`, `atUs` in Unix microseconds, `event` as an index into `events`, `route`,
// `what`). What is not known is absent. Valid UTF-8 whatever the names hold; no payloads.
std::string TraceJson(const Trace& trace, std::string_view sentence);

}  // namespace tallybus

#endif  // TALLYBUS_TRACE_H_
