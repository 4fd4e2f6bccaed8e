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

const RoutePtr& OwnRoute(const Event& event, const RouteTable& routes) {
  static const RoutePtr& kNoRoute = *new RoutePtr;  // threads may run when a process ends
  auto found = routes.by_app.find(event.app_key);
  return found == routes.by_app.end() ? kNoRoute : found->second;
}

const MethodPolicy& Governing(const Event& event, const RestClientConfig* of_session,
                              const RoutePtr& route) {
  static const MethodPolicy& kDefaults = *new MethodPolicy;  // as above
  const RestClientConfig* config = of_session;
  if (config == nullptr && route) config = route->app_config.get();
  return config != nullptr ? config->For(event.method) : kDefaults;
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

bool IsForClients(const Event& event) {
  return !event.from_router || event.method != kStreamKeepAliveEvent;
}

namespace {

Decision DecideFor(const Event& event, const RestClientConfig* of_session,
                   const RouteTable& routes) {
  Decision decision;
  const RoutePtr& route = OwnRoute(event, routes);
  const MethodPolicy& policy = Governing(event, of_session, route);
  decision.client_exclude = policy.client_exclude;
  DecideBackend(event, policy, route, &decision);
  for (const RoutePtr& other : routes.others) {
    if (other->transport == nullptr || !other->match.Fits(event)) continue;
    if (other->dry_run) {
      decision.rehearsed.push_back(other);
      continue;
    }
    decision.targets.push_back({other, other->exclude, FailureOf(event, other->on_error)});
  }
  return decision;
}

}  // namespace

Decision Decide(const Event& event, const SessionTable& sessions, const RouteTable& routes) {
  const RestClientConfigPtr of_session = sessions.Config(event.session_id);
  return DecideFor(event, of_session.get(), routes);
}

Rehearsal Rehearse(const Event& event, const RestClientConfigPtr& of_session,
                   const RouteTable& routes) {
  Decision decision = DecideFor(event, of_session.get(), routes);
  return {.backend = decision.backend,
          .targets = {decision.targets.begin(), decision.targets.end()},
          .rehearsed = std::move(decision.rehearsed),
          .for_clients = IsForClients(event),
          .client_exclude = std::move(decision.client_exclude)};
}

AskDecision DecideAsk(const Event& call, const SessionTable& sessions, const RouteTable& routes) {
  AskDecision decision;
  const RoutePtr& route = OwnRoute(call, routes);
  const RestClientConfigPtr of_session = sessions.Config(call.session_id);
  const MethodPolicy& policy = Governing(call, of_session.get(), route);
  decision.exclude = policy.rest_exclude;
  decision.survives_failure = call.method != kConnect && policy.on_error == OnError::kLog;
  decision.no_backend = !route || route->transport == nullptr;
  const bool spared =
      decision.no_backend || !route->match.Fits(call) || policy.rest_policy == RestPolicy::kDisable;
  if (!spared) decision.route = route;
  return decision;
}

}  // namespace tallybus
