// What the router would do with an event, for who asks: the same decision, and nothing done.
#ifndef TALLYBUS_REHEARSAL_H_
#define TALLYBUS_REHEARSAL_H_

#include <vector>

#include "tallybus/event.h"
#include "tallybus/policy.h"
#include "tallybus/route.h"

namespace tallybus {

// One route that an event goes to.
struct Target {
  RoutePtr route;
  FieldSetPtr exclude;
  OnError on_error = OnError::kLog;
  bool overwrites = false;     // the clients' copy waits for its answer
  FieldSetPtr overwrite = {};  // fields that the answer gives to that copy
};

// What becomes of an event at its app's own backend.
enum class AtBackend {
  kSend,
  kNone,       // the app is not in the config, or has no URL
  kNotListed,  // the route does not take this method
  kDisabled,   // restPolicy DISABLE
};

struct Rehearsal {
  AtBackend backend = AtBackend::kNone;
  std::vector<Target> targets;      // the backend first
  std::vector<RoutePtr> rehearsed;  // would be targets, but for their dry_run
  bool for_clients = true;
  FieldSetPtr client_exclude;
};

// [any thread] `of_session` is what its session brought; nullptr: nothing.
Rehearsal Rehearse(const Event& event, const RestClientConfigPtr& of_session,
                   const RouteTable& routes);

}  // namespace tallybus

#endif  // TALLYBUS_REHEARSAL_H_
