// Who gets an event and with which fields: decided once, at acceptance. Pure.
#ifndef TALLYBUS_POLICY_DECISION_H_
#define TALLYBUS_POLICY_DECISION_H_

#include <optional>

#include "tallybus/event.h"
#include "tallybus/route.h"
#include "tallybus/session_table.h"

namespace tallybus {

struct Decision {
  enum class Backend {
    kSend,
    kNone,       // the app is not in the config, or has no URL
    kNotListed,  // the route does not take this method
    kDisabled,   // restPolicy DISABLE
  };
  FieldSetPtr client_exclude;
  Backend backend = Backend::kNone;
  RoutePtr route;  // the rest holds where backend is kSend
  FieldSetPtr rest_exclude;
  OnError on_error = OnError::kLog;
};

// The session's restClientConfig governs whole where there is one, else the app's, else defaults.
Decision Decide(const Event& event, const SessionTable& sessions, const RouteTable& routes);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_DECISION_H_
