// A subject or topic with places for what an event says: "tallybus.{app}.{method}.{lane}". Pure.
#ifndef TALLYBUS_PARTS_NAME_TEMPLATE_H_
#define TALLYBUS_PARTS_NAME_TEMPLATE_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "tallybus/transport.h"

namespace tallybus::parts {

class NameTemplate {
 public:
  // INVALID_ARGUMENT for a brace without its like, and a place that is none of {app}, {method} and
  // {lane}.
  static absl::StatusOr<NameTemplate> Parse(std::string_view text);

  // Each place holds one token, whatever the event says (TokenOf).
  std::string For(const Parcel& parcel) const;
  // The same with "x" in each place: what a protocol's own rules may be tried on.
  std::string Sample() const;

 private:
  enum class Place { kNone, kApp, kMethod, kLane };
  struct Part {
    std::string text;  // before the place
    Place place;
  };
  std::vector<Part> parts_;
};

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_NAME_TEMPLATE_H_
