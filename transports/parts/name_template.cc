// Reading and filling of templates.
#include "transports/parts/name_template.h"

#include <utility>

#include "transports/parts/attributes.h"

namespace tallybus::parts {

absl::StatusOr<NameTemplate> NameTemplate::Parse(std::string_view text) {
  NameTemplate parsed;
  while (!text.empty()) {
    const size_t open = text.find_first_of("{}");
    if (open == text.npos) break;
    const size_t close = text.find('}', open);
    if (text[open] == '}' || close == text.npos) {
      return absl::InvalidArgumentError("a brace lacks its like");
    }
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const Place place = name == "app"      ? Place::kApp
                        : name == "method" ? Place::kMethod
                        : name == "lane"   ? Place::kLane
                                           : Place::kNone;
    if (place == Place::kNone) {
      return absl::InvalidArgumentError("knows the places {app}, {method} and {lane} alone");
    }
    parsed.parts_.push_back({std::string(text.substr(0, open)), place});
    text.remove_prefix(close + 1);
  }
  parsed.parts_.push_back({std::string(text), Place::kNone});
  return parsed;
}

std::string NameTemplate::For(const Parcel& parcel) const {
  std::string name;
  for (const Part& part : parts_) {
    name.append(part.text);
    if (part.place == Place::kApp) name.append(TokenOf(parcel.event.app_key));
    if (part.place == Place::kMethod) name.append(TokenOf(parcel.event.method));
    if (part.place == Place::kLane) name.append(TokenOf(parcel.lane));
  }
  return name;
}

std::string NameTemplate::Sample() const {
  std::string name;
  for (const Part& part : parts_) {
    name.append(part.text);
    if (part.place != Place::kNone) name.push_back('x');
  }
  return name;
}

}  // namespace tallybus::parts
