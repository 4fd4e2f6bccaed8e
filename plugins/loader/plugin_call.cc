// Calls with an end.
#include "plugins/loader/plugin_call.h"

#include <absl/strings/str_cat.h>

#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace tallybus::loader {
namespace {

// Of the process, as the code of its plugins is: by file, the function that did not come back.
struct Stuck {
  std::mutex mutex;
  std::map<std::string, std::string> functions;
};

Stuck& StuckFiles() {
  static auto* const stuck = new Stuck();
  return *stuck;
}

absl::Status Refused(tallybus_status status, ErrorText& error, const std::string& what) {
  const std::string text = error.TextOr(absl::StrCat("it does not say why ", what));
  return status == TALLYBUS_INVALID ? absl::InvalidArgumentError(text)
                                    : absl::UnavailableError(text);
}

}  // namespace

absl::Status CallInTime(PluginThread& thread, const PluginCall& what,
                        std::function<absl::Status()> call) {
  const auto answer = std::make_shared<absl::Status>();
  if (thread.Call([answer, call = std::move(call)] { *answer = call(); }, what.limit)) {
    return std::move(*answer);  // the thread may still hold it, and counts nothing of it
  }
  Stuck& stuck = StuckFiles();
  std::lock_guard lock(stuck.mutex);
  stuck.functions.emplace(what.path, what.function);
  return absl::DeadlineExceededError(absl::StrCat(what.who, " does not come back from its ",
                                                  what.function, " within ",
                                                  absl::FormatDuration(what.limit)));
}

absl::Status Ask(PluginThread& thread, const Plugin& plugin, const std::string& function,
                 const std::string& what, std::function<tallybus_status(tallybus_error*)> call) {
  const auto error = std::make_shared<ErrorText>();
  return CallInTime(
      thread, {plugin.path, "plugin " + plugin.name, function, plugin.call_limit},
      [error, what, call = std::move(call)] {
        try {
          const tallybus_status status = call(error->c());
          return status == TALLYBUS_OK ? absl::OkStatus() : Refused(status, *error, what);
        } catch (...) {
          return absl::InternalError("it threw an exception, and that is why " + what);
        }
      });
}

absl::Status CheckCameBack(const std::string& path) {
  Stuck& stuck = StuckFiles();
  std::lock_guard lock(stuck.mutex);
  const auto found = stuck.functions.find(path);
  if (found == stuck.functions.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("it did not come back from its ", found->second,
                                                    ", and is not called before a restart"));
}

}  // namespace tallybus::loader
