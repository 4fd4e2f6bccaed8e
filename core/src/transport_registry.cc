// The table of transports.
#include "tallybus/transport_registry.h"

#include <absl/strings/str_cat.h>

#include <utility>

namespace tallybus {

absl::Status TransportRegistry::Register(TransportDescriptor descriptor) {
  std::string scheme = descriptor.scheme;
  if (!by_scheme_.try_emplace(scheme, std::move(descriptor)).second) {
    return absl::AlreadyExistsError(absl::StrCat("two transports claim the scheme ", scheme));
  }
  return absl::OkStatus();
}

const TransportDescriptor* TransportRegistry::Find(std::string_view scheme) const {
  auto found = by_scheme_.find(scheme);
  return found == by_scheme_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> TransportRegistry::Schemes() const {
  std::vector<std::string_view> schemes;
  for (const auto& [scheme, descriptor] : by_scheme_) schemes.push_back(scheme);
  return schemes;
}

}  // namespace tallybus
