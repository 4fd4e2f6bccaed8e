// One endpoint for each app that has a URL, and for each route.
#include "routes.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "config/option_keys.h"
#include "config/sending_keys.h"
#include "config/spelling.h"
#include "tallybus/stable_hash.h"

namespace tallybus {
namespace {

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

// The keys of a route that are rest's options.
std::map<std::string, std::string> RestOptions(const config::Sending& sending) {
  std::map<std::string, std::string> options;
  options["network"] = sending.network == config::Network::kPublic ? "public" : "private";
  options["format"] = config::FormatWord(sending.format);
  AddCredentials(sending.credentials, &options);
  if (sending.compress_over) {
    options["compress.over"] = std::to_string(*sending.compress_over);
  }
  if (!sending.allow_cidrs.empty()) {
    options["allow_cidrs"] = absl::StrJoin(sending.allow_cidrs, ",");
  }
  const std::pair<const char*, const std::string&> files[] = {{"tls.ca_file", sending.ca_file},
                                                              {"tls.cert_file", sending.cert_file},
                                                              {"tls.key_file", sending.key_file}};
  for (const auto& [option, file] : files) {
    if (!file.empty()) options[option] = file;
  }
  if (!sending.http2) options["tls.http2"] = "false";
  return options;
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

// The place of what the transport complains of: an option, by its name, or the address.
const std::string& PlaceOf(absl::string_view message, const config::Sending& sending,
                           const std::vector<config::Option>& options) {
  for (const config::Option& option : options) {
    if (absl::StartsWith(message, option.name + ":")) return option.where;
  }
  const std::pair<const char*, const std::string&> files[] = {
      {"tls.ca_file", sending.ca_file_where},
      {"tls.cert_file", sending.cert_file_where},
      {"tls.key_file", sending.key_file_where}};
  for (const auto& [option, where] : files) {
    if (!where.empty() && absl::StartsWith(message, option)) return where;
  }
  const absl::string_view option = message.substr(0, message.find_first_of(":["));
  const auto credential = sending.credentials.where.find(std::string(option));
  return credential != sending.credentials.where.end() ? credential->second : sending.url_where;
}

// "billing/10.0.0.7:8080~3fa2b1": what waits for an endpoint stays its own where another one is
// taken from the list. Its path may hold a secret.
std::string NameAt(const std::string& route, std::string_view url) {
  const size_t begin = url.find("://");
  std::string_view host = begin == url.npos ? std::string_view() : url.substr(begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  return absl::StrCat(route, "/", std::string(host), "~",
                      absl::Hex(StableHash(url) & 0xffffff, absl::kZeroPad6));
}

// Turns what is configured into routes of one table.
class RouteMaker {
 public:
  RouteMaker(const config::Config& config, const TransportRegistry& registry,
             const Transports& transports, EndpointIds* ids)
      : registry_(registry), transports_(transports), ids_(*ids), spool_(config.spool.max_bytes) {
    for (const auto& [key, app] : config.apps) senders_ += app.url ? 1 : 0;
    for (const config::Route& route : config.routes) {
      const bool all = route.pick == config::PickOf::kAll;
      senders_ += 1 + (all ? static_cast<int64_t>(route.alternatives.size()) : 0);
    }
  }

  absl::Status FillApp(const config::App& app, Route* route) {
    Fill(app, route);
    if (!app.url) return absl::OkStatus();
    route->endpoint.options = RestOptions(app);
    return Connect(app, config::kRest, {}, route);
  }

  // One for each endpoint where all of them get an event, else one.
  absl::Status AddRoutes(const config::Route& configured, std::vector<RoutePtr>* routes) {
    const bool all = configured.pick == config::PickOf::kAll;
    auto first = std::make_shared<Route>();
    first->name = all ? NameAt(configured.name, *configured.url) : configured.name;
    if (absl::Status status = FillRoute(configured, first.get()); !status.ok()) return status;
    routes->push_back(first);
    for (const config::Alternative& other : configured.alternatives) {
      Route same = *first;
      if (all) same.name = NameAt(configured.name, other.url);
      same.endpoint.route = same.name;
      same.endpoint.url = other.url;
      config::Route at = configured;
      at.url_where = other.where;
      absl::Status status = Connect(at, at.transport, at.options, &same);
      if (!status.ok()) return status;
      if (all) {
        routes->push_back(std::make_shared<Route>(std::move(same)));
      } else {
        first->alternatives.push_back(std::move(same.endpoint));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status FillRoute(const config::Route& configured, Route* route) {
    route->of_app = false;
    route->match = {configured.match.apps, configured.match.methods, configured.match.statuses};
    route->exclude = configured.exclude;
    route->on_error = configured.on_error;
    route->dry_run = configured.dry_run;
    if (configured.pick == config::PickOf::kRoundRobin) route->pick = Pick::kRoundRobin;
    Fill(configured, route);
    const TransportDescriptor* transport = registry_.Find(configured.transport);
    if (transport == nullptr) return Unknown(configured);
    if (configured.transport == config::kRest) {
      route->endpoint.options = RestOptions(configured);
    } else {
      auto options = config::ResolveOptions(configured.options, transport->options,
                                            configured.transport_where);
      if (!options.ok()) return options.status();
      route->endpoint.options = *std::move(options);
    }
    return Connect(configured, configured.transport, configured.options, route);
  }

  void Fill(const config::Sending& sending, Route* route) {
    route->delivery = sending.delivery == config::Delivery::kGuaranteed ? DeliveryMode::kGuaranteed
                                                                        : DeliveryMode::kNotify;
    route->retry = ScheduleOf(sending);
    route->strict_success = sending.strict_success;
    route->quota_bytes = static_cast<size_t>(QuotaOf(sending));
    route->block_when_full = sending.when_full == config::WhenFull::kBlock;
    route->skip_failed_head = sending.on_head_failure == config::OnHeadFailure::kSkip;
    route->coalesce = sending.coalesce;
    route->batch = BatchOf(sending);
    if (!sending.url) return;
    route->endpoint.route = route->name;
    route->endpoint.url = *sending.url;
    route->endpoint.timeout = sending.timeout;
    route->endpoint.max_connections = sending.max_connections;
  }

  // The endpoint is whole now.
  absl::Status Connect(const config::Sending& sending, const std::string& scheme,
                       const std::vector<config::Option>& options, Route* route) {
    route->endpoint.id = ids_.Of(scheme, route->endpoint);
    absl::Status checked = registry_.Find(scheme)->check(route->endpoint);
    if (!checked.ok()) {
      return absl::Status(checked.code(), absl::StrCat(PlaceOf(checked.message(), sending, options),
                                                       ": ", checked.message()));
    }
    auto transport = transports_.find(scheme);
    if (transport != transports_.end()) route->transport = transport->second;
    return absl::OkStatus();
  }

  absl::Status Unknown(const config::Route& route) const {
    return absl::InvalidArgumentError(
        absl::StrCat(route.transport_where, ": there is no transport ", route.transport, ": ",
                     route.transport == "exec"
                         ? "a program started for each event, with an event's names on its command "
                           "line, is a way into the machine; let it read a file, subscribe to a "
                           "broker, or listen for rest"
                         : "it is not built in, and no plugin brings it; " +
                               config::Suggest(route.transport, registry_.Schemes())));
  }

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

uint64_t EndpointIds::Of(std::string_view scheme, const Endpoint& endpoint) {
  std::string settings =
      absl::StrCat(std::string(scheme), "\n", endpoint.route, "\n", endpoint.url, "\n",
                   absl::FormatDuration(endpoint.timeout), "\n", endpoint.max_connections);
  for (const auto& [name, value] : endpoint.options) {
    absl::StrAppend(&settings, "\n", name, "=", value.size(), ":", value);
  }
  return by_settings_.try_emplace(std::move(settings), by_settings_.size() + 1).first->second;
}

std::set<std::string> SchemesOf(const config::Config& config) {
  std::set<std::string> schemes;
  for (const auto& [key, app] : config.apps) {
    if (app.url) schemes.insert(config::kRest);
  }
  for (const config::Route& route : config.routes) schemes.insert(route.transport);
  return schemes;
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
    if (absl::Status status = maker.FillApp(app, route.get()); !status.ok()) return status;
    table.by_app.emplace(key, std::move(route));
  }
  for (const config::Route& configured : config.routes) {
    absl::Status status = maker.AddRoutes(configured, &table.others);
    if (!status.ok()) return status;
  }
  return table;
}

}  // namespace tallybus
