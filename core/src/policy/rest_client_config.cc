// Reads a restClientConfig: field by field, keeping what is valid.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "tallybus/event.h"
#include "tallybus/policy.h"

namespace tallybus {
namespace {

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

FieldSetPtr ParseFieldList(std::string_view list) {
  auto fields = std::make_shared<FieldSet>();
  for (absl::string_view part : absl::StrSplit(Absl(list), ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (!part.empty()) fields->emplace_back(part);
  }
  if (fields->empty()) return nullptr;
  std::sort(fields->begin(), fields->end());
  return fields;
}

// What says whose event it is stays the engine's.
FieldSetPtr ParseOverwriteList(std::string_view list) {
  const FieldSetPtr listed = ParseFieldList(list);
  if (listed == nullptr) return nullptr;
  auto fields = std::make_shared<FieldSet>(*listed);
  std::erase_if(*fields, [](const std::string& field) {
    return field == "nodeId" || field == "sessionId" || field == "appKey";
  });
  if (fields->empty()) return nullptr;
  return fields;
}

absl::Status SetOnError(MethodPolicy& policy, std::string_view value) {
  if (value == "LOG") {
    policy.on_error = OnError::kLog;
  } else if (value == "FAIL") {
    policy.on_error = OnError::kFail;
  } else {
    return absl::InvalidArgumentError("restOnError is LOG or FAIL");
  }
  return absl::OkStatus();
}

absl::Status SetRestPolicy(MethodPolicy& policy, std::string_view value) {
  if (value == "NOTIFY") {
    policy.rest_policy = RestPolicy::kNotify;
  } else if (value == "DISABLE" || value == "DISABLED") {
    policy.rest_policy = RestPolicy::kDisable;
  } else if (value == "OVERWRITE") {
    policy.rest_policy = RestPolicy::kOverwrite;
  } else {
    return absl::InvalidArgumentError("restPolicy is NOTIFY, OVERWRITE or DISABLE");
  }
  return absl::OkStatus();
}

// The object of methods, whether or not it stands in an outer "restClientConfig".
simdjson::error_code MethodsOf(const simdjson::dom::element& root, simdjson::dom::object* out) {
  simdjson::dom::element inner;
  if (root["restClientConfig"].get(inner) == simdjson::SUCCESS) return inner.get(*out);
  return root.get(*out);
}

// A key for a warning: it came from outside, so it is cut and made printable.
std::string Quoted(std::string_view key) {
  std::string out = "\"";
  for (char c : key.substr(0, 64))
    out += absl::ascii_isprint(static_cast<unsigned char>(c)) ? c : '?';
  return out + "\"";
}

void ReadMethod(std::string_view method, const simdjson::dom::object& fields, MethodPolicy* policy,
                std::vector<std::string>* warnings) {
  for (auto [field, value] : fields) {
    std::string_view text;
    absl::Status status = value.get(text) == simdjson::SUCCESS
                              ? SetPolicyField(*policy, field, text)
                              : absl::InvalidArgumentError("is not a string");
    if (!status.ok()) {
      warnings->push_back(absl::StrCat(Quoted(method), " ", Quoted(field), ": ", status.message()));
    }
  }
}

}  // namespace

std::string_view RestPolicyWord(RestPolicy policy) {
  switch (policy) {
    case RestPolicy::kNotify:
      return "NOTIFY";
    case RestPolicy::kOverwrite:
      return "OVERWRITE";
    case RestPolicy::kDisable:
      break;
  }
  return "DISABLE";
}

const MethodPolicy& RestClientConfig::For(std::string_view method) const {
  static const MethodPolicy& kDefaults = *new MethodPolicy;  // threads may run at an exit
  auto found = by_method_.find(method);
  return found == by_method_.end() ? kDefaults : found->second;
}

absl::Status SetPolicyField(MethodPolicy& policy, std::string_view field, std::string_view value) {
  if (field == "clientExclude" || field == "restExclude") {
    (field == "clientExclude" ? policy.client_exclude : policy.rest_exclude) =
        ParseFieldList(value);
    return absl::OkStatus();
  }
  if (field == "restOnError") return SetOnError(policy, value);
  if (field == "restPolicy") return SetRestPolicy(policy, value);
  if (field == "restOverwrite") {
    policy.rest_overwrite = ParseOverwriteList(value);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "unknown field; known are clientExclude, restExclude, restOnError, restPolicy, "
      "restOverwrite");
}

ParsedRestClientConfig ParseRestClientConfig(std::string_view json) {
  ParsedRestClientConfig parsed;
  auto config = std::make_shared<RestClientConfig>();
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object methods;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      MethodsOf(root, &methods) != simdjson::SUCCESS) {
    parsed.warnings.push_back("is not a JSON object; the defaults govern");
    parsed.config = std::move(config);
    return parsed;
  }
  for (auto [method, fields] : methods) {
    simdjson::dom::object object;
    if (!IsValidMethod(method) || fields.get(object) != simdjson::SUCCESS) {
      parsed.warnings.push_back(Quoted(method) + ": is not a method with an object of fields");
      continue;
    }
    ReadMethod(method, object, &(*config)[std::string(method)], &parsed.warnings);
  }
  parsed.config = std::move(config);
  return parsed;
}

}  // namespace tallybus
