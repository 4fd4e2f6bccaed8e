// The keys below `options` of a route: they are its transport's own.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_OPTION_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_OPTION_KEYS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "config_reader.h"
#include "tallybus/transport_registry.h"

namespace tallybus::config {

// What leads the name of the file that holds a secret.
inline constexpr std::string_view kSecretFile = "file:";

// Every option as it is written; a mapping gives its members' names a prefix: "tls.ca_file".
absl::Status ReadOptions(const Value& options, std::vector<Option>& out);

// nullptr where there is none of this name.
const OptionSpec* FindSpec(std::span<const OptionSpec> specs, std::string_view name);

// [control] The options in the form of Endpoint::options, each known and of its type. Reads the
// files of secrets. INVALID_ARGUMENT begins with the option's place, and holds no value; where a
// required one is missing, with `where`.
absl::StatusOr<std::map<std::string, std::string>> ResolveOptions(std::span<const Option> options,
                                                                  std::span<const OptionSpec> specs,
                                                                  std::string_view where);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_OPTION_KEYS_H_
