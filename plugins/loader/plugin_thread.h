// A thread on which a plugin is called, since it may never come back.
#ifndef TALLYBUS_PLUGINS_LOADER_PLUGIN_THREAD_H_
#define TALLYBUS_PLUGINS_LOADER_PLUGIN_THREAD_H_

#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace tallybus::loader {

// One caller at a time. A call that does not come back keeps the thread, and nobody waits for it
// any more: it holds what it works on, by itself, and touches nothing else when it does come back.
class PluginThread {
 public:
  explicit PluginThread(const std::string& name);
  ~PluginThread();  // waits for what was posted; for what is stuck it does not

  // Runs `call` behind what came before. Does not block.
  void Post(std::function<void()> call);
  // The same, and waits for its end. False: it has not come back within `limit`; the thread is left
  // alone, and runs nothing more.
  bool Call(std::function<void()> call, absl::Duration limit);
  bool is_stuck() const { return !thread_.joinable(); }

 private:
  struct State;
  static void Run(const std::shared_ptr<State>& state);
  void Leave();

  const std::shared_ptr<State> state_;
  std::thread thread_;
};

// [any thread] How many of this process are left with a call that has not come back. A process that
// has some cannot end in good order, since they may hold what its end needs.
int StuckThreads();

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PLUGIN_THREAD_H_
