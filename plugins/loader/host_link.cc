// The table of functions, and the door behind it that can be shut.
#include "plugins/loader/host_link.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace tallybus::loader {
namespace {

LogLevel LevelOf(const tallybus_log_level& level) {
  int number = 0;  // it may be none of the enum
  static_assert(sizeof number == sizeof level);
  std::memcpy(&number, &level, sizeof number);
  return number < TALLYBUS_LOG_DEBUG || number > TALLYBUS_LOG_ERROR ? LogLevel::kInfo
                                                                    : static_cast<LogLevel>(number);
}

}  // namespace

HostLink& HostLink::Attach(HostCalls& calls) {
  // One for each plugin that runs, and never freed; here they stay in sight of a leak checker.
  static std::mutex mutex;
  static auto* const all = new std::vector<std::unique_ptr<HostLink>>();
  std::lock_guard lock(mutex);
  all->emplace_back(new HostLink(calls));
  return *all->back();
}

void HostLink::Detach() {
  std::lock_guard lock(mutex_);
  calls_ = nullptr;
}

std::vector<const tallybus_delivery*> HostLink::TakeReady() {
  std::shared_lock lock(mutex_);
  if (calls_ == nullptr) return {};
  return calls_->OnReady();
}

void HostLink::Threw(std::string_view what) {
  std::shared_lock lock(mutex_);
  if (calls_ != nullptr) calls_->OnThrew(what);
}

HostLink::HostLink(HostCalls& calls) : host_(), calls_(&calls) {
  host_.struct_size = sizeof host_;
  host_.self = this;
  host_.complete = [](void* self, uint64_t ticket, const tallybus_result* result) {
    std::shared_lock lock(Of(self).mutex_);
    if (Of(self).calls_ != nullptr) Of(self).calls_->OnComplete(ticket, result);
  };
  host_.now_ns = [](void* self) -> int64_t {
    std::shared_lock lock(Of(self).mutex_);
    return Of(self).calls_ != nullptr ? Of(self).calls_->OnNow() : 0;
  };
  host_.log = [](void* self, tallybus_log_level level, tallybus_bytes line) {
    std::shared_lock lock(Of(self).mutex_);
    if (Of(self).calls_ == nullptr || line.data == nullptr) return;
    Of(self).calls_->OnLog(LevelOf(level), {line.data, line.size});
  };
  host_.get_extension = [](void*, const char*) -> const void* { return nullptr; };
}

}  // namespace tallybus::loader
