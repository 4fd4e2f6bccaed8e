// Variables of the environment in configuration values: ${X}, ${X:-default}, and $$ for a dollar.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_VARIABLES_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_VARIABLES_H_

#include <absl/status/statusor.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tallybus::config {

// Looks a variable up; nullopt where it is not set.
using GetEnv = std::function<std::optional<std::string>(std::string_view name)>;

// The environment of this process.
std::optional<std::string> ProcessEnvironment(std::string_view name);

// `text` with its variables replaced. The default stands in for an unset and for an empty variable,
// as in a shell. INVALID_ARGUMENT names a variable that is not set, or says which form is wrong; it
// holds no value.
absl::StatusOr<std::string> ExpandVariables(std::string_view text, const GetEnv& getenv);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_VARIABLES_H_
