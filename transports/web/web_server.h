// The daemon's HTTP ports: a table of methods and paths, each served by a function.
#ifndef TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_
#define TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/metrics.h"
#include "transports/web/http_server.h"

namespace tallybus {

// [web] Answers at once. Must neither block for long nor throw.
using WebHandler = std::function<HttpAnswer(const HttpRequest&)>;
// [web] Answers later, from any thread: HttpServer::AsyncHandler.
using AsyncWebHandler = HttpServer::AsyncHandler;

// One method of one path, or of all that begins with a path.
struct WebRoute {
  std::string method;  // "GET", "POST", "DELETE"
  // "/api/v1/status"; or with a final slash "/api/v1/dead-letters/", which serves what is longer:
  // the handler finds the rest, decoded, in HttpRequest::path_rest. Of several the longest serves.
  std::string path;
  WebHandler handler;             // one of the two is set
  AsyncWebHandler async_handler;  // answers within Options::answer_timeout, else 504
};

class WebServer {
 public:
  struct Options {
    // Names the thread "tallybus-<name>", the setting "listen.<name>", and the counters
    // tallybus_<name>_requests_total and tallybus_<name>_refused_total.
    std::string name = "web";
    std::string listen = "127.0.0.1:5580";              // port 0: any free one; or unix:/path
    std::map<std::string, WebHandler> handlers;         // of GET, by exact path: "/healthz"
    std::vector<WebRoute> routes;                       // further ones
    size_t max_connections = 256;                       // those above are closed and counted
    size_t header_bytes = 8 << 10;                      // of one request
    HttpAnswer headers_too_long = {.status = 431};      // to one with more
    absl::Duration idle_timeout = absl::Seconds(10);    // a request, an answer, or a pause
    absl::Duration answer_timeout = absl::Seconds(10);  // for an async_handler's answer
  };

  // [control] Serves when it returns, on a thread of its own. An unknown path is 404, a method that
  // a path does not have 405, a path_rest with a broken % 400. `metrics` outlives the server.
  // INVALID_ARGUMENT: two routes of one method and path, or one without its one handler. Otherwise
  // the errors of HttpServer::Start.
  static absl::StatusOr<std::unique_ptr<WebServer>> Start(Options options, Metrics& metrics);

  // [any thread] "127.0.0.1:5580", "unix:/run/tallybus/admin.sock": where it listens.
  const std::string& address() const { return server_->address(); }
  // [control] No handler runs when it returns. A second call does nothing.
  void Stop() { server_->Stop(); }

 private:
  explicit WebServer(std::unique_ptr<HttpServer> server) : server_(std::move(server)) {}

  std::unique_ptr<HttpServer> server_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WEB_SERVER_H_
