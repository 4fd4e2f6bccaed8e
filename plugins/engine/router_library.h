// libtallybus_router.so: found, judged and loaded.
#ifndef TALLYBUS_PLUGINS_ENGINE_ROUTER_LIBRARY_H_
#define TALLYBUS_PLUGINS_ENGINE_ROUTER_LIBRARY_H_

#include <tallybus/c/router.h>

#include <string>

namespace tallybus::engine {

// [any thread, may block] Looks beside this library, and never unloads what it loaded. Null: `*why`
// is a sentence. It is not loaded where a protobuf is in the process that it did not bring: two of
// them find each other's functions and corrupt each other's memory.
const tallybus_router_api_v1* LoadRouterLibrary(std::string* why);

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_ROUTER_LIBRARY_H_
