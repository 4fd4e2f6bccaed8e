// Who gets an event and with which fields: decided once, at acceptance. Pure.
#ifndef TALLYBUS_POLICY_DECISION_H_
#define TALLYBUS_POLICY_DECISION_H_

#include <absl/container/inlined_vector.h>

#include <vector>

#include "tallybus/event.h"
#include "tallybus/rehearsal.h"
#include "tallybus/route.h"
#include "tallybus/session_table.h"

namespace tallybus {

struct Decision {
  using Backend = AtBackend;

  FieldSetPtr client_exclude;
  Backend backend = Backend::kNone;
  absl::InlinedVector<Target, 1> targets;  // the backend first
  std::vector<RoutePtr> rehearsed = {};    // would be targets, but for their dry_run
};

// For the app's own route the session's restClientConfig governs whole where there is one, else the
// app's, else the defaults; other routes have their own rules.
Decision Decide(const Event& event, const SessionTable& sessions, const RouteTable& routes);

// What the router asks of a backend by itself is no client's.
bool IsForClients(const Event& event);

// What becomes of a call that the backend may refuse.
struct AskDecision {
  RoutePtr route;       // nullptr: nobody is asked
  FieldSetPtr exclude;  // of what is sent
  // Whether it goes on where the backend fails: all but `connect`, under LOG.
  bool survives_failure = false;
  bool no_backend = false;  // where nobody is asked: there is nobody; else the config spares it
};

// As above for the app's own route; other routes are never asked.
AskDecision DecideAsk(const Event& call, const SessionTable& sessions, const RouteTable& routes);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_DECISION_H_
