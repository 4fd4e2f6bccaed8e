// The keys below `apps` of the configuration file.
#include "app_keys.h"

#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "plain_text.h"
#include "sending_keys.h"
#include "tallybus/event.h"

namespace tallybus::config {
namespace {

constexpr absl::Duration kShortestInterval = absl::Seconds(1);
constexpr absl::Duration kLongestKeepAlive = absl::Hours(24);
constexpr absl::Duration kLatestStale = absl::Hours(7 * 24);

absl::Status ReadBackend(const Value& value, App& app) {
  absl::StatusOr<std::string> url = value.Text();
  app.url.reset();
  if (url.ok() && *url == "off") return absl::OkStatus();
  return ReadUrl(value, ", or be off for no backend", app);
}

// A duration, or off.
absl::Status ReadInterval(const Value& value, absl::Duration longest,
                          std::optional<absl::Duration>& out) {
  absl::StatusOr<std::string> text = value.Text();
  out.reset();
  if (text.ok() && *text == "off") return absl::OkStatus();
  return Store(value.Duration(kShortestInterval, longest), out);
}

absl::Status ReadMethodPolicy(const Value& value, MethodPolicy& policy) {
  auto fields = value.Members();
  if (!fields.ok()) return fields.status();
  for (const auto& [name, field] : *fields) {
    absl::StatusOr<std::string> text = field.Text();
    if (!text.ok()) return text.status();
    const absl::Status status = SetPolicyField(policy, name, *text);
    if (!status.ok()) return field.Error(status);
  }
  return absl::OkStatus();
}

absl::Status ReadAppsConfig(const Value& value, App& app) {
  auto config = std::make_shared<RestClientConfig>();
  if (absl::Status status = ReadRestClientConfig(value, *config); !status.ok()) return status;
  const auto methods = value.Members();
  if (!methods.ok()) return methods.status();
  for (const auto& [method, policy] : *methods) {  // in the order of the file
    app.rest_client_config_methods.push_back(method);
    const auto fields = policy.Members();
    if (!fields.ok()) return fields.status();
    for (const auto& [field, text] : *fields) {
      app.rest_client_config_fields.insert(method + "." + field);
    }
  }
  app.rest_client_config = std::move(config);
  return absl::OkStatus();
}

constexpr Key<App> kAppKeys[] = {
    {"url", ReadBackend},
    {"methods", [](const Value& v, App& out) { return ReadMethods(v, out.methods); }},
    {"stale_after",
     [](const Value& v, App& out) { return ReadInterval(v, kLatestStale, out.stale_after); }},
    {"stream_keep_alive",
     [](const Value& v, App& out) { return ReadInterval(v, kLongestKeepAlive, out.keep_alive); }},
    {"rest_client_config", ReadAppsConfig},
    {"rest_password", nullptr, "is written as password"},
    {"rest_username", nullptr, "is written as username"},
    {"transport", nullptr},
    {"pick", nullptr, "is a key of routes"},
    {"dry_run", nullptr, "is a key of routes"},
    {"endpoints", nullptr, "is a key of routes; an app's is url"},
    {"exclude", nullptr, "is a key of routes; an app's is rest_client_config.<Method>.restExclude"},
    {"match", nullptr, "is a key of routes; an app's is methods"},
    {"on_error", nullptr,
     "is a key of routes; an app's is rest_client_config.<Method>.restOnError"},
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
    if (absl::Status status = ReadKeys<App, Sending>(value, kAppKeys, app, SendingKeys());
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadRestClientConfig(const Value& value, RestClientConfig& out) {
  auto methods = value.Members();
  if (!methods.ok()) return methods.status();
  for (const auto& [method, policy] : *methods) {
    if (!IsValidMethod(method)) return policy.KeyError("is no name of a method");
    if (absl::Status status = ReadMethodPolicy(policy, out[method]); !status.ok()) return status;
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
