// The keys below `apps` of the configuration file.
#include "app_keys.h"

#include <absl/status/statusor.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "plain_text.h"
#include "tallybus/event.h"

namespace tallybus::config {
namespace {

constexpr int kMostConnections = 10'000;
constexpr absl::Duration kShortestTimeout = absl::Milliseconds(100);
constexpr absl::Duration kLongestTimeout = absl::Minutes(10);

constexpr Choice<Delivery> kDeliveries[] = {{"notify", Delivery::kNotify},
                                            {"guaranteed", std::nullopt}};
constexpr Choice<Retry> kRetries[] = {
    {"live", Retry::kLive}, {"none", Retry::kNone}, {"standard", std::nullopt}};
constexpr Choice<bool> kSuccesses[] = {{"2xx", false}, {"200", true}};
constexpr Choice<Network> kNetworks[] = {{"private", Network::kPrivate},
                                         {"public", Network::kPublic}};

// What can be said without resolving anything; the transport judges the rest.
absl::Status CheckUrl(const Value& value, std::string_view url) {
  const std::string_view scheme = url.substr(0, url.find("://"));
  if (scheme.size() == url.size() || (scheme != "http" && scheme != "https")) {
    return value.Error("must begin with http:// or https://, or be off for no backend");
  }
  const std::string_view rest = url.substr(scheme.size() + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return value.LaterValue("credentials in a URL");
  }
  if (authority.empty() || authority.front() == ':') return value.Error("names no host");
  if (url.find(' ') != std::string_view::npos) return value.Error("holds a space; write %20");
  return absl::OkStatus();
}

absl::Status ReadUrl(const Value& value, App& app) {
  absl::StatusOr<std::string> url = value.Text();
  if (!url.ok()) return url.status();
  app.url.reset();
  if (*url == "off") return absl::OkStatus();
  if (absl::Status status = CheckUrl(value, *url); !status.ok()) return status;
  app.url = *std::move(url);
  app.url_where = value.Where();
  return absl::OkStatus();
}

absl::Status ReadMethods(const Value& value, App& app) {
  if (!value.IsList()) {
    absl::StatusOr<std::string> word = value.Text();
    if (word.ok() && *word == "all") return absl::OkStatus();
    return word.ok() ? value.Error("must be a list of methods, or the word all") : word.status();
  }
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  if (items->empty()) return value.Error("lists nothing; `all` is every method");
  for (const Value& item : *items) {
    absl::StatusOr<std::string> method = item.Text();
    if (!method.ok()) return method.status();
    if (!IsValidMethod(*method)) return item.Error("is no name of a method");
    app.methods.push_back(*std::move(method));
  }
  return absl::OkStatus();
}

absl::Status ReadRetry(const Value& value, App& app) {
  if (value.IsList()) return value.LaterValue();
  return Store(ReadChoice<Retry>(value, kRetries), app.retry);
}

bool IsCidr(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const std::string digits = text.substr(slash + 1);
  int bits = 0;
  if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
  if (!absl::SimpleAtoi(digits, &bits)) return false;
  in6_addr space;
  if (inet_pton(AF_INET, address.c_str(), &space) == 1) return bits <= 32;
  return inet_pton(AF_INET6, address.c_str(), &space) == 1 && bits <= 128;
}

absl::Status ReadAllowCidrs(const Value& value, App& app) {
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  for (const Value& item : *items) {
    absl::StatusOr<std::string> cidr = item.Text();
    if (!cidr.ok()) return cidr.status();
    if (!IsCidr(*cidr)) {
      return item.Error("must be an address and a prefix, such as 10.0.0.0/8 or fd00::/8");
    }
    app.allow_cidrs.push_back(*std::move(cidr));
  }
  return absl::OkStatus();
}

absl::Status ReadCaFile(const Value& value, App& app) {
  app.ca_file_where = value.Where();
  return Store(value.Text(), app.ca_file);
}

// What SetPolicyField refused, at the place of the field.
absl::Status PolicyError(const Value& value, const absl::Status& cause) {
  const bool told = absl::StrContains(cause.message(), "not in this version yet");
  if (told || !absl::IsUnimplemented(cause)) return value.Error(cause);
  return value.LaterValue(std::string(cause.message()));
}

absl::Status ReadMethodPolicy(const Value& value, MethodPolicy& policy) {
  auto fields = value.Members();
  if (!fields.ok()) return fields.status();
  for (const auto& [name, field] : *fields) {
    absl::StatusOr<std::string> text = field.Text();
    if (!text.ok()) return text.status();
    const absl::Status status = SetPolicyField(policy, name, *text);
    if (!status.ok()) return PolicyError(field, status);
  }
  return absl::OkStatus();
}

absl::Status ReadRestClientConfig(const Value& value, App& app) {
  auto methods = value.Members();
  if (!methods.ok()) return methods.status();
  auto config = std::make_shared<RestClientConfig>();
  for (const auto& [method, policy] : *methods) {
    if (!IsValidMethod(method)) return policy.KeyError("is no name of a method");
    if (absl::Status status = ReadMethodPolicy(policy, (*config)[method]); !status.ok()) {
      return status;
    }
    app.rest_client_config_methods.push_back(method);
  }
  app.rest_client_config = std::move(config);
  return absl::OkStatus();
}

constexpr Key<App> kTlsKeys[] = {
    {"ca_file", ReadCaFile}, {"cert_file", nullptr}, {"key_file", nullptr}, {"pin", nullptr}};

constexpr Key<App> kAppKeys[] = {
    {"url", ReadUrl},
    {"methods", ReadMethods},
    {"delivery",
     [](const Value& v, App& out) {
       return Store(ReadChoice<Delivery>(v, kDeliveries), out.delivery);
     }},
    {"retry", ReadRetry},
    {"timeout",
     [](const Value& v, App& out) {
       return Store(v.Duration(kShortestTimeout, kLongestTimeout), out.timeout);
     }},
    {"max_connections",
     [](const Value& v, App& out) {
       return Store(v.Integer(1, kMostConnections), out.max_connections);
     }},
    {"success",
     [](const Value& v, App& out) {
       return Store(ReadChoice<bool>(v, kSuccesses), out.strict_success);
     }},
    {"network", [](const Value& v,
                   App& out) { return Store(ReadChoice<Network>(v, kNetworks), out.network); }},
    {"allow_cidrs", ReadAllowCidrs},
    {"tls", [](const Value& v, App& out) { return ReadKeys<App>(v, kTlsKeys, out); }},
    {"rest_client_config", ReadRestClientConfig},
    {"batch", nullptr},
    {"coalesce", nullptr},
    {"dry_run", nullptr},
    {"endpoints", nullptr},
    {"exclude", nullptr},
    {"format", nullptr},
    {"hold", nullptr},
    {"match", nullptr},
    {"on_error", nullptr},
    {"on_head_failure", nullptr},
    {"password", nullptr},
    {"quota", nullptr},
    {"rest_password", nullptr},
    {"rest_username", nullptr},
    {"signing", nullptr},
    {"stale_after", nullptr},
    {"stream_keep_alive", nullptr},
    {"transport", nullptr},
    {"username", nullptr},
    {"when_full", nullptr},
};

bool IsAppKey(std::string_view key) {
  return !key.empty() && key.find('/') == std::string_view::npos &&
         FindNotPlain(key) == std::string_view::npos;
}

}  // namespace

absl::Status ReadApps(const Value& apps, std::map<std::string, App>& out) {
  auto members = apps.Members();
  if (!members.ok()) return members.status();
  for (const auto& [key, value] : *members) {
    if (!IsAppKey(key)) {
      return value.KeyError("an app's key is not empty and holds no / and no control character");
    }
    App& app = out[key];
    app.key = key;
    if (absl::Status status = ReadKeys<App>(value, kAppKeys, app); !status.ok()) return status;
  }
  return absl::OkStatus();
}

App DefaultApp() {
  App app;
  app.key = "defaultApp";
  app.url = "http://127.0.0.1:8081/apps/EchoApp";
  app.url_where = "apps.defaultApp.url, by default";
  return app;
}

}  // namespace tallybus::config
