// What a plugin may call of us. It is never freed: a plugin's code stays loaded, and a thread that
// it leaves behind may call at any time.
#ifndef TALLYBUS_PLUGINS_LOADER_HOST_LINK_H_
#define TALLYBUS_PLUGINS_LOADER_HOST_LINK_H_

#include <tallybus/c/transport.h>

#include <memory>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/log.h"

namespace tallybus::loader {

class HostCalls {
 public:
  virtual ~HostCalls() = default;
  // [any thread]
  virtual void OnComplete(uint64_t ticket, const tallybus_result* result) = 0;
  virtual int64_t OnNow() = 0;
  virtual void OnLog(LogLevel level, std::string_view line) = 0;
  // [the plugin's thread] What is to be handed to it now; and that it ended in an exception.
  virtual std::vector<const tallybus_delivery*> OnReady() = 0;
  virtual void OnThrew(std::string_view what) = 0;
};

class HostLink {
 public:
  // The one that is behind it, until Detach: it then waits for calls that are under way.
  static HostLink& Attach(HostCalls& calls);
  void Detach();
  const tallybus_host* host() const { return &host_; }
  std::vector<const tallybus_delivery*> TakeReady();
  void Threw(std::string_view what);
  // What a plugin that is left alone may go on reading.
  void Keep(std::shared_ptr<const void> what) { kept_ = std::move(what); }

 private:
  explicit HostLink(HostCalls& calls);
  static HostLink& Of(void* self) { return *static_cast<HostLink*>(self); }

  tallybus_host host_;
  std::shared_mutex mutex_;
  HostCalls* calls_;
  std::shared_ptr<const void> kept_;
};

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_HOST_LINK_H_
