// The daemon's web port: a table of paths, each served by a function.
#ifndef TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_
#define TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tallybus/metrics.h"
#include "transports/web/http_server.h"

namespace tallybus {

// [web] Answers GET of one path. Must neither block for long nor throw.
using WebHandler = std::function<HttpAnswer(const HttpRequest&)>;

class WebServer {
 public:
  struct Options {
    std::string listen = "127.0.0.1:5580";            // port 0: any free one
    std::map<std::string, WebHandler> handlers;       // by exact path: "/healthz"
    size_t max_connections = 256;                     // those above are closed and counted
    absl::Duration idle_timeout = absl::Seconds(10);  // a request, an answer, or a pause
  };

  // [control] Serves when it returns, on a thread "tallybus-web". An unknown path is 404, a method
  // that is not GET 405. `metrics` outlives the server and gets tallybus_web_requests_total and
  // tallybus_web_refused_total. Errors: those of HttpServer::Start, naming listen.web.
  static absl::StatusOr<std::unique_ptr<WebServer>> Start(Options options, Metrics& metrics);

  // [any thread] "127.0.0.1:5580": where it listens.
  const std::string& address() const { return server_->address(); }
  // [control] No handler runs when it returns. A second call does nothing.
  void Stop() { server_->Stop(); }

 private:
  explicit WebServer(std::unique_ptr<HttpServer> server) : server_(std::move(server)) {}

  std::unique_ptr<HttpServer> server_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_
