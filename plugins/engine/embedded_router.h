// A router in this process, from libtallybus_router.so: one for each configuration file, shared by
// the publishers that name it.
#ifndef TALLYBUS_PLUGINS_ENGINE_EMBEDDED_ROUTER_H_
#define TALLYBUS_PLUGINS_ENGINE_EMBEDDED_ROUTER_H_

#include <tallybus/c/router.h>

#include <memory>
#include <string>
#include <string_view>

#include "log_lines.h"

namespace tallybus::engine {

// "embedded:/etc/tallybus/tallybus.yaml" names the file; empty: it is no such endpoint.
std::string_view EmbeddedFile(std::string_view endpoint);

class EmbeddedRouter {
 public:
  // [any thread, may block] The one of that file, started if it does not run yet; each is given
  // back by a Release. Waits while another is opened or released. INVALID: the file is wrong.
  // UNAVAILABLE: there is no library, one of another release, a second protobuf in the process, or
  // something that the file names cannot be had. `*why` holds the lines that say so.
  static tallybus_status Open(const std::string& file, EmbeddedRouter** router,
                              std::vector<LogLine>* why);
  // [any thread, may block] By each that opened it, with its sockets closed. The last one ends it,
  // and waits up to drain_ms for the attempts that are under way; `*rest` gets what it said last.
  void Release(uint32_t drain_ms, std::vector<LogLine>* rest);

  // [any thread]
  void* zmq_context() const { return api_->zmq_context(router_); }
  const char* endpoint() const { return api_->endpoint(router_); }
  LogLines& lines() { return lines_; }

 private:
  EmbeddedRouter() = default;
  tallybus_status Start(const std::string& file);

  const tallybus_router_api_v1* api_ = nullptr;
  tallybus_router* router_ = nullptr;
  LogLines lines_;
  int users_ = 0;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_EMBEDDED_ROUTER_H_
