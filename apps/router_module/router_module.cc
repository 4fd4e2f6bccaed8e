// The C interface: checks its arguments, keeps exceptions in, and hands on.
#include <absl/strings/str_cat.h>
#include <tallybus/c/engine.h>
#include <tallybus/c/router.h>

#include <memory>
#include <string>
#include <utility>

#include "apps/router_module/in_engine_router.h"

namespace {

constexpr uint32_t kVersion =
    TALLYBUS_VERSION_MAJOR << 16 | TALLYBUS_VERSION_MINOR << 8 | TALLYBUS_VERSION_PATCH;

tallybus_status Open(const tallybus_router_host* host, tallybus_bytes file,
                     tallybus_router** router) {
  if (host == nullptr || host->struct_size < sizeof(tallybus_router_host) || file.size == 0 ||
      file.data == nullptr || router == nullptr) {
    return TALLYBUS_INVALID;
  }
  try {
    auto opened = tallybus_router::Open(*host, std::string(file.data, file.size));
    if (opened.ok()) {
      *router = opened->release();
      return TALLYBUS_OK;
    }
    tallybus::HostLog(*host).Write(tallybus::LogLevel::kError,
                                   std::string(opened.status().message()));
    return absl::IsInvalidArgument(opened.status()) ? TALLYBUS_INVALID : TALLYBUS_UNAVAILABLE;
  } catch (...) {
    return TALLYBUS_UNAVAILABLE;
  }
}

void Close(tallybus_router* router, uint32_t drain_ms) {
  const std::unique_ptr<tallybus_router> owned(router);
  try {
    owned->Close(drain_ms);
  } catch (...) {  // the thread could not be joined, and it has ended all the same
  }
}

constexpr tallybus_router_api_v1 kApi = {
    sizeof(tallybus_router_api_v1),
    kVersion,
    0,
    Open,
    [](tallybus_router* router) { return router->zmq_context(); },
    [](tallybus_router*) -> const char* { return tallybus::Daemon::kInsideEndpoint; },
    Close,
};

}  // namespace

const tallybus_router_api_v1* tallybus_router_v1() { return &kApi; }
