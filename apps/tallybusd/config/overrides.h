// Overrides from the command line, `--set key=value`, laid over the file's tree.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_OVERRIDES_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_OVERRIDES_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "yaml_tree.h"

namespace tallybus::config {

// Splits `apps."live.example".url=value` at its dots and its first `=`. In quotes, dots and `=` are
// part of the key, and \" and \\ stand for themselves.
struct Override {
  std::vector<std::string> keys;
  std::string value;
};
absl::StatusOr<Override> ParseOverride(std::string_view argument);

// `root` with the value of one override, which is YAML like `10s` or `[a, b]`, in place of what
// stood under its key. Mappings on the way are made where they are missing. Errors begin with
// "--set <key>".
absl::StatusOr<YamlNodePtr> ApplyOverride(const YamlNodePtr& root, std::string_view argument);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_OVERRIDES_H_
