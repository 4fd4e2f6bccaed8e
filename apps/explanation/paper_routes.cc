// The daemon's own decision, and nothing behind it.
#include "apps/explanation/paper_routes.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "apps/receive/visible.h"
#include "apps/tallybusd/routes.h"

namespace tallybus {
namespace {

class Nowhere final : public Transport {
 public:
  absl::Status Start() override { return absl::OkStatus(); }
  void Deliver(std::span<const Delivery>) override {}
  void Stop(MonoTime) override {}
};

std::string Without(const Event& event, const FieldSetPtr& exclude) {
  return exclude == nullptr ? event.json : WithoutFields(event.json, exclude);
}

}  // namespace

absl::StatusOr<PaperRoutes> PaperRoutes::Make(const config::Config& config,
                                              const TransportRegistry& registry) {
  PaperRoutes paper;
  Transports transports;
  for (const std::string& scheme : SchemesOf(config)) {
    auto nowhere = std::make_unique<Nowhere>();
    transports[scheme] = nowhere.get();
    paper.nowhere_[scheme] = std::move(nowhere);
  }
  EndpointIds ids;
  absl::StatusOr<RouteTable> table = MakeRoutes(config, registry, transports, &ids);
  if (!table.ok()) return table.status();
  paper.table_ = *std::move(table);
  return paper;
}

std::string PaperRoutes::SchemeOf(const Route& route) const {
  for (const auto& [scheme, nowhere] : nowhere_) {
    if (route.transport == nowhere.get()) return scheme;
  }
  return "";
}

std::string ObjectFor(const Target& target, const Event& event) {
  return Without(event, target.exclude);
}

Target AsTarget(const RoutePtr& rehearsed) {
  return {.route = rehearsed, .exclude = rehearsed->exclude};
}

std::string ObjectForClients(const Rehearsal& decision, const Event& event) {
  return Without(event, decision.client_exclude);
}

std::string WhyNotTaken(const Route& route, const Event& event) {
  RouteMatch apps, methods;
  apps.apps = route.match.apps;
  apps.methods = {event.method};
  if (!apps.Fits(event))
    return absl::StrCat("match.app does not list ", receive::Visible(event.app_key));
  methods.methods = route.match.methods;
  if (!methods.Fits(event)) {
    return route.match.methods.empty()
               ? absl::StrCat(event.method, " goes to routes that list it alone")
               : absl::StrCat("its methods do not list ", event.method);
  }
  return absl::StrCat("match.status does not list ", event.status.empty()
                                                         ? "an event without a status"
                                                         : receive::Visible(event.status));
}

std::string WhyNoBackend(AtBackend backend, const Event& event) {
  switch (backend) {
    case AtBackend::kNone:
      return absl::StrCat("apps.", receive::Visible(event.app_key),
                          " is not configured, or has no url");
    case AtBackend::kNotListed:
      return absl::StrCat("its methods do not list ", event.method);
    case AtBackend::kDisabled:
      return "restPolicy is DISABLE";
    case AtBackend::kSend:
      break;
  }
  return "";
}

}  // namespace tallybus
