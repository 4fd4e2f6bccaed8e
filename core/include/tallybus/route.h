// Where events go: the routes of a configuration, immutable and replaced as a whole.
#ifndef TALLYBUS_ROUTE_H_
#define TALLYBUS_ROUTE_H_

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/policy.h"
#include "tallybus/transport.h"

namespace tallybus {

// When to try again after a failure; every delay is drawn between zero and its step (full jitter).
struct RetrySchedule {
  enum class Kind { kNone, kLive, kStandard, kSteps };
  Kind kind = Kind::kLive;
  std::vector<absl::Duration> steps = {};  // of kSteps: one for each retry, in order
};

// What settles an event: any answer, as in Web Call Server, or only one that is definite.
enum class DeliveryMode { kNotify, kGuaranteed };

// An app's own route, `<app>/backend`.
struct Route {
  std::string name;                  // "defaultApp/backend"
  std::vector<std::string> methods;  // empty: all but ErrorEvent
  DeliveryMode delivery = DeliveryMode::kNotify;
  RetrySchedule retry;
  bool strict_success = false;     // success: "200"; else any 2xx
  RestClientConfigPtr app_config;  // for sessions that brought none; never nullptr
  Endpoint endpoint;
  Transport* transport = nullptr;  // borrowed; lives longer than the route

  bool Matches(std::string_view method) const;
};
using RoutePtr = std::shared_ptr<const Route>;

// By app key. An app without an entry has no backend.
using RouteTable = std::map<std::string, RoutePtr, std::less<>>;

}  // namespace tallybus

#endif  // TALLYBUS_ROUTE_H_
