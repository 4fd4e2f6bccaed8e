// One endpoint for each app that has a URL, and for each route.
#include "routes.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "config/sending_keys.h"

namespace tallybus {
namespace {

constexpr char kRest[] = "rest";

void AddCredentials(const config::Credentials& credentials,
                    std::map<std::string, std::string>* options) {
  std::vector<std::string> keys;
  for (const config::SigningKey& each : credentials.signing) {
    keys.push_back(each.key.text);
    if (each.until == absl::InfiniteFuture()) continue;
    absl::StrAppend(&keys.back(), "@", absl::ToUnixSeconds(each.until));
  }
  if (!keys.empty()) (*options)["signing"] = absl::StrJoin(keys, " ");
  if (credentials.username) (*options)["username"] = *credentials.username;
  if (credentials.password) (*options)["password"] = credentials.password->text;
  if (credentials.bearer_token) (*options)["bearer_token"] = credentials.bearer_token->text;
  if (credentials.wcs_hash_key) (*options)["wcs_hash_key"] = credentials.wcs_hash_key->text;
}

Endpoint EndpointOf(const std::string& route, const config::Sending& sending) {
  Endpoint endpoint;
  endpoint.route = route;
  endpoint.url = *sending.url;
  endpoint.timeout = sending.timeout;
  endpoint.max_connections = sending.max_connections;
  endpoint.options["network"] = sending.network == config::Network::kPublic ? "public" : "private";
  endpoint.options["format"] = config::FormatWord(sending.format);
  AddCredentials(sending.credentials, &endpoint.options);
  if (sending.compress_over) {
    endpoint.options["compress.over"] = std::to_string(*sending.compress_over);
  }
  if (!sending.allow_cidrs.empty()) {
    endpoint.options["allow_cidrs"] = absl::StrJoin(sending.allow_cidrs, ",");
  }
  const std::pair<const char*, const std::string&> files[] = {{"tls.ca_file", sending.ca_file},
                                                              {"tls.cert_file", sending.cert_file},
                                                              {"tls.key_file", sending.key_file}};
  for (const auto& [option, file] : files) {
    if (!file.empty()) endpoint.options[option] = file;
  }
  if (!sending.http2) endpoint.options["tls.http2"] = "false";
  return endpoint;
}

std::optional<BatchLimits> BatchOf(const config::Sending& sending) {
  if (!sending.Batches()) return std::nullopt;
  return BatchLimits{.max_events = static_cast<size_t>(sending.batch.max_events),
                     .max_bytes = static_cast<size_t>(sending.batch.max_bytes),
                     .max_wait = sending.batch.max_wait};
}

RetrySchedule ScheduleOf(const config::Sending& sending) {
  switch (sending.retry) {
    case config::Retry::kNone:
      return {RetrySchedule::Kind::kNone};
    case config::Retry::kLive:
      return {RetrySchedule::Kind::kLive};
    case config::Retry::kStandard:
      return {RetrySchedule::Kind::kStandard};
    case config::Retry::kList:
      break;
  }
  return {RetrySchedule::Kind::kSteps, sending.retry_delays};
}

// At the place of what the transport complains of.
absl::Status ErrorAt(const config::Sending& sending, const absl::Status& status) {
  const std::string* where = &sending.url_where;
  if (absl::StartsWith(status.message(), "tls.ca_file")) where = &sending.ca_file_where;
  if (absl::StartsWith(status.message(), "tls.cert_file")) where = &sending.cert_file_where;
  if (absl::StartsWith(status.message(), "tls.key_file")) where = &sending.key_file_where;
  const absl::string_view option = status.message().substr(0, status.message().find_first_of(":["));
  const auto credential = sending.credentials.where.find(std::string(option));
  if (credential != sending.credentials.where.end()) where = &credential->second;
  return absl::Status(status.code(), absl::StrCat(*where, ": ", status.message()));
}

// Turns what is configured into routes of one table.
class RouteMaker {
 public:
  RouteMaker(const config::Config& config, const TransportRegistry& registry,
             const Transports& transports, EndpointIds* ids)
      : registry_(registry), transports_(transports), ids_(*ids), spool_(config.spool.max_bytes) {
    for (const auto& [key, app] : config.apps) senders_ += app.url ? 1 : 0;
    senders_ += static_cast<int64_t>(config.routes.size());
  }

  absl::Status Fill(const config::Sending& sending, Route* route) {
    route->delivery = sending.delivery == config::Delivery::kGuaranteed ? DeliveryMode::kGuaranteed
                                                                        : DeliveryMode::kNotify;
    route->retry = ScheduleOf(sending);
    route->strict_success = sending.strict_success;
    route->quota_bytes = static_cast<size_t>(QuotaOf(sending));
    route->block_when_full = sending.when_full == config::WhenFull::kBlock;
    route->skip_failed_head = sending.on_head_failure == config::OnHeadFailure::kSkip;
    route->coalesce = sending.coalesce;
    route->batch = BatchOf(sending);
    if (!sending.url) return absl::OkStatus();
    route->endpoint = EndpointOf(route->name, sending);
    route->endpoint.id = ids_.Of(route->endpoint);
    absl::Status checked = registry_.Find(kRest)->check(route->endpoint);
    if (!checked.ok()) return ErrorAt(sending, checked);
    auto transport = transports_.find(kRest);
    if (transport != transports_.end()) route->transport = transport->second;
    return absl::OkStatus();
  }

 private:
  // One route alone leaves half of the spool to what else must be said.
  int64_t QuotaOf(const config::Sending& sending) const {
    if (sending.quota) return sending.quota->Of(spool_);
    return spool_ / std::max<int64_t>(senders_, 2);
  }

  const TransportRegistry& registry_;
  const Transports& transports_;
  EndpointIds& ids_;
  const int64_t spool_;
  int64_t senders_ = 0;
};

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
  RouteTable table;
  RouteMaker maker(config, registry, transports, ids);
  for (const auto& [key, app] : config.apps) {
    auto route = std::make_shared<Route>();
    route->name = key + "/backend";
    route->match.methods = app.methods;
    route->app_config = app.rest_client_config;
    route->stale_after = app.stale_after.value_or(absl::InfiniteDuration());
    route->keep_alive = app.keep_alive.value_or(absl::InfiniteDuration());
    if (absl::Status status = maker.Fill(app, route.get()); !status.ok()) return status;
    table.by_app.emplace(key, std::move(route));
  }
  for (const config::Route& configured : config.routes) {
    auto route = std::make_shared<Route>();
    route->name = configured.name;
    route->of_app = false;
    route->match = {configured.match.apps, configured.match.methods, configured.match.statuses};
    route->exclude = configured.exclude;
    route->on_error = configured.on_error;
    if (absl::Status status = maker.Fill(configured, route.get()); !status.ok()) return status;
    table.others.push_back(std::move(route));
  }
  return table;
}

}  // namespace tallybus
