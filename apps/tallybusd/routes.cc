// One endpoint for each app that has a URL.
#include "routes.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <memory>
#include <utility>

namespace tallybus {
namespace {

constexpr char kRest[] = "rest";

Endpoint EndpointOf(const config::App& app) {
  Endpoint endpoint;
  endpoint.route = app.key + "/backend";
  endpoint.url = *app.url;
  endpoint.timeout = app.timeout;
  endpoint.max_connections = app.max_connections;
  endpoint.options["network"] = app.network == config::Network::kPublic ? "public" : "private";
  if (!app.allow_cidrs.empty()) {
    endpoint.options["allow_cidrs"] = absl::StrJoin(app.allow_cidrs, ",");
  }
  if (!app.ca_file.empty()) endpoint.options["tls.ca_file"] = app.ca_file;
  return endpoint;
}

}  // namespace

uint64_t EndpointIds::Of(const Endpoint& endpoint) {
  std::string settings =
      absl::StrCat(endpoint.route, "\n", endpoint.url, "\n", absl::FormatDuration(endpoint.timeout),
                   "\n", endpoint.max_connections);
  for (const auto& [name, value] : endpoint.options) {
    absl::StrAppend(&settings, "\n", name, "=", value);
  }
  return by_settings_.try_emplace(std::move(settings), by_settings_.size() + 1).first->second;
}

absl::StatusOr<RouteTable> MakeRoutes(const config::Config& config,
                                      const TransportRegistry& registry,
                                      const Transports& transports, EndpointIds* ids) {
  RouteTable routes;
  for (const auto& [key, app] : config.apps) {
    auto route = std::make_shared<Route>();
    route->name = key + "/backend";
    route->methods = app.methods;
    route->retry.kind =
        app.retry == config::Retry::kNone ? RetrySchedule::Kind::kNone : RetrySchedule::Kind::kLive;
    route->strict_success = app.strict_success;
    route->app_config = app.rest_client_config;
    if (app.url) {
      route->endpoint = EndpointOf(app);
      route->endpoint.id = ids->Of(route->endpoint);
      absl::Status checked = registry.Find(kRest)->check(route->endpoint);
      if (!checked.ok()) {
        const bool of_ca_file = absl::StartsWith(checked.message(), "tls.ca_file");
        return absl::Status(
            checked.code(),
            absl::StrCat(of_ca_file ? app.ca_file_where : app.url_where, ": ", checked.message()));
      }
      auto transport = transports.find(kRest);
      if (transport != transports.end()) route->transport = transport->second;
    }
    routes.emplace(key, std::move(route));
  }
  return routes;
}

}  // namespace tallybus
