// A shared object that brings a transport: opened, and looked at before anything of it is used.
#ifndef TALLYBUS_PLUGINS_LOADER_PLUGIN_H_
#define TALLYBUS_PLUGINS_LOADER_PLUGIN_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <tallybus/c/transport.h>

#include <memory>
#include <string>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus::loader {

// What each call of a plugin may take, but for deliver, and for stop, which has its own deadline.
inline constexpr absl::Duration kCallLimit = absl::Seconds(5);

struct Plugin {
  std::string path;
  std::string scheme;
  std::string name;
  std::string version;
  std::vector<OptionSpec> options;
  tallybus_transport_entry entry;  // as this router knows it; create is there
  absl::Duration call_limit = kCallLimit;
};
using PluginPtr = std::shared_ptr<const Plugin>;

// [control] Loads it for as long as the process lives: code that has run cannot be taken out again.
// The same path again gives what was loaded then. Its constructors run. An error is one line that
// begins with the path.
absl::StatusOr<PluginPtr> OpenPlugin(const std::string& path,
                                     absl::Duration call_limit = kCallLimit);

// The same of an entry that is there already.
absl::StatusOr<PluginPtr> ReadEntry(const std::string& path, const tallybus_transport_entry* entry,
                                    absl::Duration call_limit = kCallLimit);

// What a plugin writes when something is wrong: room for it, and the text as it may be shown.
class ErrorText {
 public:
  tallybus_error* c() { return &error_; }
  std::string TextOr(const std::string& none);

 private:
  char text_[512] = {};
  tallybus_error error_ = {text_, sizeof text_};
};

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PLUGIN_H_
