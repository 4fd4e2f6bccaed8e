// Looks up what governs an event and freezes it.
#include "policy/decision.h"

#include <algorithm>
#include <utility>

namespace tallybus {
namespace {

bool Lists(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// What the router says of itself goes where it is asked for.
bool MustBeListed(std::string_view method) {
  return method == kErrorEvent || method == kAlertEvent;
}

// An ErrorEvent never causes another.
OnError FailureOf(const Event& event, OnError on_error) {
  return event.method == kErrorEvent || event.method == kAlertEvent ? OnError::kLog : on_error;
}

void DecideBackend(const Event& event, const MethodPolicy& policy, const RoutePtr& route,
                   Decision* decision) {
  if (!route || route->transport == nullptr) {
    decision->backend = Decision::Backend::kNone;
  } else if (!route->match.Fits(event)) {
    decision->backend = Decision::Backend::kNotListed;
  } else if (policy.rest_policy == RestPolicy::kDisable) {
    decision->backend = Decision::Backend::kDisabled;
  } else {
    decision->backend = Decision::Backend::kSend;
    decision->targets.push_back({route, policy.rest_exclude, FailureOf(event, policy.on_error)});
    if (policy.rest_policy != RestPolicy::kOverwrite) return;
    decision->targets.back().overwrites = true;
    decision->targets.back().overwrite = policy.rest_overwrite;
  }
}

}  // namespace

bool RouteMatch::Fits(const Event& event) const {
  if (methods.empty() ? MustBeListed(event.method) : !Lists(methods, event.method)) return false;
  return (apps.empty() || Lists(apps, event.app_key)) &&
         (statuses.empty() || Lists(statuses, event.status));
}

RoutePtr RouteTable::Find(std::string_view name) const {
  for (const RoutePtr& route : others) {
    if (route->name == name) return route;
  }
  for (const auto& [app, route] : by_app) {
    if (route->name == name) return route;
  }
  return nullptr;
}

Decision Decide(const Event& event, const SessionTable& sessions, const RouteTable& routes) {
  Decision decision;
  auto found = routes.by_app.find(event.app_key);
  static const RoutePtr kNoRoute;
  const RoutePtr& route = found == routes.by_app.end() ? kNoRoute : found->second;
  const RestClientConfigPtr of_session = sessions.Config(event.session_id);
  const RestClientConfig* config = of_session.get();
  if (config == nullptr && route) config = route->app_config.get();
  static const MethodPolicy kDefaults;
  const MethodPolicy& policy = config != nullptr ? config->For(event.method) : kDefaults;
  decision.client_exclude = policy.client_exclude;
  DecideBackend(event, policy, route, &decision);
  for (const RoutePtr& other : routes.others) {
    if (other->transport == nullptr || !other->match.Fits(event)) continue;
    decision.targets.push_back({other, other->exclude, FailureOf(event, other->on_error)});
  }
  return decision;
}

}  // namespace tallybus
