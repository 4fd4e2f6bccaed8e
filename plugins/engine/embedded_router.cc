// One lock for all that opens and ends: of two publishers of one file, the second waits until the
// first has its router, or until that one's spool is free again.
#include "embedded_router.h"

#include <pthread.h>

#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "router_library.h"

namespace tallybus::engine {
namespace {

constexpr std::string_view kScheme = "embedded:";

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<EmbeddedRouter>> routers;  // by the file's real path
};

Registry* registry = nullptr;

// A child of fork() has the memory of its parent's routers and none of their threads: it forgets
// them, and the lock that somebody may hold.
Registry& TheRegistry() {
  static const int made = [] {
    registry = new Registry;
    return pthread_atfork(nullptr, nullptr, [] { registry = new Registry; });
  }();
  static_cast<void>(made);
  return *registry;
}

// Where there is no such file the router says so.
std::string RealPath(const std::string& file) {
  char resolved[PATH_MAX];
  return realpath(file.c_str(), resolved) != nullptr ? resolved : file;
}

}  // namespace

std::string_view EmbeddedFile(std::string_view endpoint) {
  return endpoint.substr(0, kScheme.size()) == kScheme ? endpoint.substr(kScheme.size())
                                                       : std::string_view();
}

tallybus_status EmbeddedRouter::Open(const std::string& file, EmbeddedRouter** router,
                                     std::vector<LogLine>* why) {
  Registry& all = TheRegistry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  std::unique_ptr<EmbeddedRouter>& place = all.routers[RealPath(file)];
  if (place == nullptr) {
    std::unique_ptr<EmbeddedRouter> made(new EmbeddedRouter);
    const tallybus_status status = made->Start(file);
    if (status != TALLYBUS_OK) {
      *why = made->lines_.Take();
      all.routers.erase(RealPath(file));
      return status;
    }
    place = std::move(made);
  }
  ++place->users_;
  *router = place.get();
  return TALLYBUS_OK;
}

tallybus_status EmbeddedRouter::Start(const std::string& file) {
  std::string why;
  api_ = LoadRouterLibrary(&why);
  if (api_ == nullptr) {
    lines_.Put(TALLYBUS_LOG_ERROR, why);
    return TALLYBUS_UNAVAILABLE;
  }
  const tallybus_router_host host = {
      sizeof(tallybus_router_host), this,
      [](void* user, tallybus_log_level level, tallybus_bytes text) {
        static_cast<EmbeddedRouter*>(user)->lines_.Put(level, {text.data, text.size});
      }};
  return api_->open(&host, {file.data(), file.size()}, &router_);
}

void EmbeddedRouter::Release(uint32_t drain_ms, std::vector<LogLine>* rest) {
  Registry& all = TheRegistry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (--users_ > 0) return;
  api_->close(router_, drain_ms);
  *rest = lines_.Take();
  for (auto place = all.routers.begin(); place != all.routers.end(); ++place) {
    if (place->second.get() != this) continue;
    all.routers.erase(place);  // this object too
    return;
  }
}

}  // namespace tallybus::engine
