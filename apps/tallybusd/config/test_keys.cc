// The keys below `tests` of the configuration file.
#include "test_keys.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "app_keys.h"
#include "tallybus/event.h"

namespace tallybus::config {
namespace {

constexpr size_t kMostTests = 1000;

bool IsPath(std::string_view text) {
  return text.find('/') != text.npos || text.ends_with(".json");
}

absl::Status ReadTestName(const Value& value, TestCase& out) {
  absl::Status status = Store(value.Text(), out.name);
  return status.ok() && out.name.empty() ? value.Error("must not be empty") : status;
}

// Of the key `method`, or of `event` where that is a method.
absl::Status SetMethod(const Value& value, std::string method, TestCase& out) {
  if (!IsValidMethod(method)) return value.Error("is no name of a method");
  if (!out.event.method.empty()) return value.Error("is a second method; event names one too");
  out.event.method = std::move(method);
  return absl::OkStatus();
}

absl::Status ReadTestMethod(const Value& value, TestCase& out) {
  absl::StatusOr<std::string> method = value.Text();
  return method.ok() ? SetMethod(value, *std::move(method), out) : method.status();
}

absl::Status ReadTestEvent(const Value& value, TestCase& out) {
  out.event.where = value.Where();
  if (value.IsMapping()) return Store(value.Json(), out.event.json);
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  if (IsPath(*text)) {
    out.event.file = *std::move(text);
    return absl::OkStatus();
  }
  if (IsValidMethod(*text)) return SetMethod(value, *std::move(text), out);
  return value.Error(
      "must be an object, the path of a file (with a / in it, or .json at its end), or the name of "
      "a method");
}

absl::Status ReadSession(const Value& value, TestCase& out) {
  out.session.where = value.Where();
  if (!value.IsMapping()) return Store(value.Text(), out.session.file);
  auto config = std::make_shared<RestClientConfig>();
  absl::Status status = ReadRestClientConfig(value, *config);
  out.session.config = std::move(config);
  return status;
}

absl::Status ReadRouteNames(const Value& value, std::optional<std::vector<WantedRoute>>& out) {
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  out.emplace();
  for (const Value& item : *items) {
    absl::StatusOr<std::string> name = item.Text();
    if (!name.ok()) return name.status();
    const auto same = [&](const WantedRoute& before) { return before.name == *name; };
    if (std::any_of(out->begin(), out->end(), same)) return item.Error("is listed twice");
    out->push_back({*std::move(name), item.Where()});
  }
  return absl::OkStatus();
}

absl::Status ReadWanted(const Value& value, WantedFields& out) {
  auto members = value.Members();
  if (!members.ok()) return members.status();
  for (const auto& [path, field] : *members) {
    WantedField wanted = {path, std::nullopt, field.Where()};
    if (!field.IsNothing()) {
      absl::StatusOr<std::string> json = field.Json();
      if (!json.ok()) return json.status();
      wanted.json = *std::move(json);
    }
    out.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

absl::Status ReadFields(const Value& value, TestCase& out) {
  auto members = value.Members();
  if (!members.ok()) return members.status();
  for (const auto& [route, fields] : *members) {
    auto& [name, wanted] =
        out.fields.emplace_back(WantedRoute{route, fields.KeyWhere()}, WantedFields());
    if (!fields.IsMapping()) {
      return fields.KeyError("is a route, and takes the fields that it must send: {status: X}");
    }
    if (absl::Status status = ReadWanted(fields, wanted); !status.ok()) return status;
  }
  return absl::OkStatus();
}

constexpr Key<TestCase> kTestKeys[] = {
    {"name", ReadTestName},
    {"method", ReadTestMethod},
    {"event", ReadTestEvent},
    {"session_config", ReadSession},
    {"routes",
     [](const Value& v, TestCase& out) {
       out.routes_where = v.Where();
       return ReadRouteNames(v, out.routes);
     }},
    {"dry_run",
     [](const Value& v, TestCase& out) {
       out.dry_run_where = v.Where();
       return ReadRouteNames(v, out.dry_run);
     }},
    {"fields", ReadFields},
    {"client", [](const Value& v, TestCase& out) { return ReadWanted(v, out.client); }},
};

absl::Status ReadTest(const Value& value, TestCase& out) {
  out.where = value.Where();
  absl::Status status = ReadKeys<TestCase>(value, kTestKeys, out);
  if (!status.ok()) return status;
  if (out.event.where.empty()) return value.Error("has no event, which a test begins with");
  if (out.event.method.empty()) out.event.method = kStreamStatusEvent;
  if (out.name.empty()) return value.Error("has no name, which a test needs");
  const bool wants = out.routes || out.dry_run || !out.fields.empty() || !out.client.empty();
  return wants ? absl::OkStatus()
               : value.Error("expects nothing; give it routes, fields, client or dry_run");
}

}  // namespace

absl::Status ReadTests(const Value& tests, std::vector<TestCase>& out) {
  if (tests.IsNothing()) return absl::OkStatus();  // all below it may be commented out
  absl::StatusOr<std::vector<Value>> items = tests.Items();
  if (!items.ok()) return items.status();
  if (items->size() > kMostTests) {
    return tests.Error(absl::StrCat("lists more than ", kMostTests, " tests"));
  }
  for (const Value& item : *items) {
    if (absl::Status status = ReadTest(item, out.emplace_back()); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tallybus::config
