// Values are compared as simdjson reads them.
#include "apps/tallybusd/check/json_match.h"

#include <absl/strings/str_cat.h>
#include <simdjson.h>

namespace tallybus::check {
namespace {

using simdjson::dom::element;

constexpr size_t kLongestShown = 200;

std::string Shown(const std::string& json) {
  return json.size() <= kLongestShown ? json : json.substr(0, kLongestShown) + "...";
}

// A member whose name holds the dots wins over a member of a member.
std::optional<element> Find(element from, std::string_view path) {
  simdjson::dom::object object;
  element found;
  if (from.get(object) != simdjson::SUCCESS) return std::nullopt;
  if (object.at_key(path).get(found) == simdjson::SUCCESS) return found;
  const size_t dot = path.find('.');
  if (dot == path.npos || object.at_key(path.substr(0, dot)).get(found) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return Find(found, path.substr(dot + 1));
}

bool Equal(element a, element b);

bool Equal(simdjson::dom::object a, simdjson::dom::object b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a) {
    element other;
    if (b.at_key(key).get(other) != simdjson::SUCCESS || !Equal(value, other)) return false;
  }
  return true;
}

bool Equal(simdjson::dom::array a, simdjson::dom::array b) {
  if (a.size() != b.size()) return false;
  auto other = b.begin();
  for (const element value : a) {
    if (!Equal(value, *other)) return false;
    ++other;
  }
  return true;
}

bool Equal(element a, element b) {
  if (a.is_object() && b.is_object()) {
    return Equal(a.get_object().value_unsafe(), b.get_object().value_unsafe());
  }
  if (a.is_array() && b.is_array()) {
    return Equal(a.get_array().value_unsafe(), b.get_array().value_unsafe());
  }
  double x = 0, y = 0;
  if (a.is_number() && b.is_number() && a.type() != b.type()) {
    return a.get(x) == simdjson::SUCCESS && b.get(y) == simdjson::SUCCESS && x == y;
  }
  return a.type() == b.type() && simdjson::minify(a) == simdjson::minify(b);
}

}  // namespace

std::string Mismatch(std::string_view object, std::string_view path,
                     const std::optional<std::string>& wanted) {
  simdjson::dom::parser whole_parser, wanted_parser;
  element whole, other;
  if (whole_parser.parse(object.data(), object.size()).get(whole) != simdjson::SUCCESS) {
    return "is in no object";
  }
  const std::optional<element> found = Find(whole, path);
  if (!wanted) return found ? absl::StrCat("is there: ", Shown(simdjson::minify(*found))) : "";
  if (!found) return absl::StrCat("is not there; expected: ", Shown(*wanted));
  const bool parsed = wanted_parser.parse(*wanted).get(other) == simdjson::SUCCESS;
  if (parsed && Equal(*found, other)) return "";
  return absl::StrCat("is ", Shown(simdjson::minify(*found)), "; expected: ", Shown(*wanted));
}

}  // namespace tallybus::check
