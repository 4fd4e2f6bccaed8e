// Looks up what governs an event and freezes it.
#include "policy/decision.h"

#include <algorithm>
#include <utility>

namespace tallybus {

bool Route::Matches(std::string_view method) const {
  if (methods.empty()) return method != kErrorEvent;
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

Decision Decide(const Event& event, const SessionTable& sessions, const RouteTable& routes) {
  Decision decision;
  auto found = routes.find(event.app_key);
  const RoutePtr route = found == routes.end() ? nullptr : found->second;
  RestClientConfigPtr config = sessions.Config(event.session_id);
  if (!config && route) config = route->app_config;
  const MethodPolicy policy = config ? config->For(event.method) : MethodPolicy();
  decision.client_exclude = policy.client_exclude;
  if (!route || route->transport == nullptr) {
    decision.backend = Decision::Backend::kNone;
  } else if (!route->Matches(event.method)) {
    decision.backend = Decision::Backend::kNotListed;
  } else if (policy.rest_policy == RestPolicy::kDisable) {
    decision.backend = Decision::Backend::kDisabled;
  } else {
    decision.backend = Decision::Backend::kSend;
    decision.route = route;
    decision.rest_exclude = policy.rest_exclude;
    // An ErrorEvent never causes another.
    decision.on_error = event.method == kErrorEvent ? OnError::kLog : policy.on_error;
  }
  return decision;
}

}  // namespace tallybus
