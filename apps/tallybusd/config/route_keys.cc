// The keys below `routes` of the configuration file.
#include "route_keys.h"

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "option_keys.h"
#include "sending_keys.h"

namespace tallybus::config {
namespace {

constexpr size_t kLongestName = 64;

constexpr Choice<OnError> kOnErrors[] = {{"LOG", OnError::kLog}, {"FAIL", OnError::kFail}};

// Without a slash: `<app>/backend` is the name of an app's own route.
bool IsRouteName(std::string_view name) {
  const auto letter = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || std::string_view("_.-").find(c) != std::string_view::npos;
         });
}

absl::Status ReadName(const Value& value, Route& out) {
  absl::StatusOr<std::string> name = value.Text();
  if (!name.ok()) return name.status();
  if (!IsRouteName(*name)) {
    return value.Error(
        absl::StrCat("must have 1 to ", kLongestName,
                     " letters, digits, _ . or -, and begin with a letter or digit"));
  }
  out.name = *std::move(name);
  return absl::OkStatus();
}

std::string_view WrongIfEmpty(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

// One text, or a list of some.
absl::Status ReadAnyOf(const Value& value, std::vector<std::string>& out) {
  if (value.IsList()) {
    if (absl::Status status = Store(value.Texts(WrongIfEmpty), out); !status.ok()) return status;
    return out.empty() ? value.Error("lists nothing; leave the key out for any") : absl::OkStatus();
  }
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  if (text->empty()) return value.Error("must not be empty; leave the key out for any");
  out = {*std::move(text)};
  return absl::OkStatus();
}

constexpr Key<Match> kMatchKeys[] = {
    {"app", [](const Value& v, Match& out) { return ReadAnyOf(v, out.apps); }},
    {"methods", [](const Value& v, Match& out) { return ReadMethods(v, out.methods); }},
    {"status", [](const Value& v, Match& out) { return ReadAnyOf(v, out.statuses); }},
};

absl::Status ReadEndpoints(const Value& value, Route& out) {
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  if (items->empty()) return value.Error("lists nothing; a route needs one URL");
  if (items->size() > 1) {
    return (*items)[1].Error(absl::UnimplementedError(
        "one endpoint each in this version; a second route reaches a second one"));
  }
  return out.transport == kRest ? ReadUrl(items->front(), "", out)
                                : ReadAddress(items->front(), out);
}

// Which one it is decides what else may be written: it is read before the other keys.
absl::Status ReadTransport(const Value& route, Route& out) {
  auto members = route.Members();
  if (!members.ok()) return members.status();
  for (const auto& [name, value] : *members) {
    if (name != "transport") continue;
    out.transport_where = value.Where();
    if (absl::Status status = Store(value.Text(), out.transport); !status.ok()) return status;
  }
  if (out.transport == kRest) return absl::OkStatus();
  for (const auto& [name, value] : *members) {
    if (!IsRestKey(name)) continue;
    return value.KeyError("is a key of transport rest alone; what " + out.transport +
                          " takes is written below options");
  }
  return absl::OkStatus();
}

absl::Status ReadRouteOptions(const Value& value, Route& out) {
  if (out.transport != kRest) return ReadOptions(value, out.options);
  return value.KeyError("is a key of other transports; what rest takes are keys of the route");
}

absl::Status ReadExclude(const Value& value, Route& out) {
  FieldSet fields;
  if (absl::Status status = Store(value.Texts(WrongIfEmpty), fields); !status.ok()) return status;
  std::sort(fields.begin(), fields.end());
  out.exclude = fields.empty() ? nullptr : std::make_shared<const FieldSet>(std::move(fields));
  return absl::OkStatus();
}

constexpr Key<Route> kRouteKeys[] = {
    {"name", ReadName},
    {"match", [](const Value& v, Route& out) { return ReadKeys<Match>(v, kMatchKeys, out.match); }},
    {"transport", [](const Value&, Route&) { return absl::OkStatus(); }},
    {"options", ReadRouteOptions},
    {"endpoints", ReadEndpoints},
    {"exclude", ReadExclude},
    {"on_error", [](const Value& v,
                    Route& out) { return Store(ReadChoice<OnError>(v, kOnErrors), out.on_error); }},
    {"url", nullptr, "is a key of apps; a route's is endpoints"},
    {"app", nullptr, "is a key of match: match.app"},
    {"methods", nullptr, "is a key of match: match.methods"},
    {"status", nullptr, "is a key of match: match.status"},
    {"rest_client_config", nullptr, "is a key of apps; a route's are exclude and on_error"},
    {"stale_after", nullptr, "is a key of apps"},
    {"stream_keep_alive", nullptr, "is a key of apps"},
};

absl::Status ReadRoute(const Value& value, Route& out) {
  if (absl::Status status = ReadTransport(value, out); !status.ok()) return status;
  absl::Status status = ReadKeys<Route, Sending>(value, kRouteKeys, out, SendingKeys());
  if (!status.ok()) return status;
  if (out.name.empty()) return value.Error("has no name, which a route needs");
  if (!out.url) return value.Error("has no endpoints; a route needs one URL");
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPlugins(const Value& plugins, std::vector<PluginFile>& out) {
  out.clear();
  if (plugins.IsNothing()) return absl::OkStatus();  // all below it may be commented out
  absl::StatusOr<std::vector<Value>> items = plugins.Items();
  if (!items.ok()) return items.status();
  for (const Value& item : *items) {
    absl::StatusOr<std::string> path = item.Text();
    if (!path.ok()) return path.status();
    if (!path->starts_with('/')) return item.Error("must be the absolute path of a shared object");
    out.push_back({*std::move(path), item.Where()});
  }
  return absl::OkStatus();
}

absl::Status ReadRoutes(const Value& routes, std::vector<Route>& out) {
  if (routes.IsNothing()) return absl::OkStatus();  // all below it may be commented out
  absl::StatusOr<std::vector<Value>> items = routes.Items();
  if (!items.ok()) return items.status();
  for (const Value& item : *items) {
    Route route;
    if (absl::Status status = ReadRoute(item, route); !status.ok()) return status;
    const auto same = std::find_if(out.begin(), out.end(),
                                   [&](const Route& before) { return before.name == route.name; });
    if (same != out.end()) {
      return item.Error(absl::StrCat("has the name of routes[", same - out.begin(),
                                     "]; each route needs its own"));
    }
    out.push_back(std::move(route));
  }
  return absl::OkStatus();
}

}  // namespace tallybus::config
