// A question to a plugin: it is answered in time, or the plugin is left alone.
#ifndef TALLYBUS_PLUGINS_LOADER_PLUGIN_CALL_H_
#define TALLYBUS_PLUGINS_LOADER_PLUGIN_CALL_H_

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <tallybus/c/transport.h>

#include <functional>
#include <string>

#include "plugins/loader/plugin.h"
#include "plugins/loader/plugin_thread.h"

namespace tallybus::loader {

// The call and whom it is of.
struct PluginCall {
  std::string path;
  std::string who;  // as an error begins
  std::string function;
  absl::Duration limit;
};

// [control] Runs `call` on this thread; it owns all that it works on. DEADLINE_EXCEEDED: it has not
// come back within the limit, and the file is not opened again.
absl::Status CallInTime(PluginThread& thread, const PluginCall& what,
                        std::function<absl::Status()> call);

// [control] The same of a function that answers with a status. An error is what it says, or `what`
// it does not explain; one that throws has failed.
absl::Status Ask(PluginThread& thread, const Plugin& plugin, const std::string& function,
                 const std::string& what, std::function<tallybus_status(tallybus_error*)> call);

// [control] An error where a call of this file did not come back in this process.
absl::Status CheckCameBack(const std::string& path);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PLUGIN_CALL_H_
