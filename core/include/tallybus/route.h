// Where events go: the routes of a configuration, immutable and replaced as a whole.
#ifndef TALLYBUS_ROUTE_H_
#define TALLYBUS_ROUTE_H_

#include <absl/time/time.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/policy.h"
#include "tallybus/transport.h"

namespace tallybus {

// What settles an event.
enum class DeliveryMode {
  kNotify,      // any answer, whatever its status
  kGuaranteed,  // a definite verdict
};

// When to try again after a failure; every delay is drawn between zero and its step (full jitter).
struct RetrySchedule {
  enum class Kind { kNone, kLive, kStandard, kSteps };
  Kind kind = Kind::kLive;
  std::vector<absl::Duration> steps = {};  // of kSteps: one for each retry, in order
};

// Which events a route takes. Empty: all, but for ErrorEvent and TallybusAlertEvent, which must be
// listed.
struct RouteMatch {
  std::vector<std::string> apps;
  std::vector<std::string> methods;
  std::vector<std::string> statuses;

  bool Fits(const Event& event) const;
};

// How much company an event gets in its request. The bytes are those that the spool counts, a
// little more than what is sent.
struct BatchLimits {
  size_t max_events = 1000;
  size_t max_bytes = size_t{1} << 20;                // but for an event that is larger by itself
  absl::Duration max_wait = absl::Milliseconds(10);  // for more, while there is room
};

// Which of several endpoints gets an attempt.
enum class Pick {
  kFirstHealthy,  // the first that is well
  kRoundRobin,    // those that are well take turns
};

// A rule that sends matching events to one endpoint, or to one of several.
struct Route {
  std::string name;    // "defaultApp/backend", "billing"
  bool of_app = true;  // an app's own, governed by restClientConfig
  RouteMatch match;
  DeliveryMode delivery = DeliveryMode::kNotify;
  RetrySchedule retry;
  bool strict_success = false;     // success: "200"; else any 2xx
  RestClientConfigPtr app_config;  // of an app: for sessions that brought none; never nullptr
  FieldSetPtr exclude;             // of other routes
  OnError on_error = OnError::kLog;
  size_t quota_bytes = 0;            // of the spool; 0: none
  bool block_when_full = false;      // else the oldest events are shed
  bool skip_failed_head = false;     // later events pass one that is tried again
  bool coalesce = false;             // a newer event of the same status replaces one that waits
  std::optional<BatchLimits> batch;  // several events in one request; none: each in its own
  // Of an app: its streams from the open bus end when they were not heard of for so long.
  absl::Duration stale_after = absl::InfiniteDuration();
  // Of an app: each of its live streams gets a StreamKeepAliveEvent once in so long.
  absl::Duration keep_alive = absl::InfiniteDuration();
  bool dry_run = false;  // of other routes: what it takes is counted and traced, and not sent
  Endpoint endpoint;
  std::vector<Endpoint> alternatives = {};  // the rest, which differ by id and URL alone
  Pick pick = Pick::kFirstHealthy;
  Transport* transport = nullptr;  // borrowed; lives longer than the route

  size_t endpoint_count() const { return 1 + alternatives.size(); }
  const Endpoint& endpoint_at(size_t place) const {
    return place == 0 ? endpoint : alternatives[place - 1];
  }
};
using RoutePtr = std::shared_ptr<const Route>;

struct RouteTable {
  std::map<std::string, RoutePtr, std::less<>> by_app;  // an app without an entry has no backend
  std::vector<RoutePtr> others;

  // By name; nullptr where there is none.
  RoutePtr Find(std::string_view name) const;
};

}  // namespace tallybus

#endif  // TALLYBUS_ROUTE_H_
