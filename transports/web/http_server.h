// A bounded HTTP/1.1 server on one thread of its own; what a request means is its owner's business.
#ifndef TALLYBUS_TRANSPORTS_WEB_HTTP_SERVER_H_
#define TALLYBUS_TRANSPORTS_WEB_HTTP_SERVER_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallybus {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;     // "GET"
  std::string path;       // of the target, as it came: "/metrics"
  std::string path_rest;  // what WebServer's route left of it, decoded
  std::string query;      // what followed '?', without it
  HttpHeaders headers;
  std::string body;

  // The first header of this name in any case; empty where there is none.
  std::string_view Header(std::string_view name) const;
};

struct TakenSocket;  // transports/web/taken_socket.h, with Boost.Asio

struct HttpAnswer {
  enum class Fate {
    kAnswer,
    kSilence,   // nothing is sent, the connection stays until the peer closes it
    kReset,     // the connection ends by RST
    kHandOver,  // the connection leaves HTTP: `hand_over` gets its socket, and writes what there is
  };
  Fate fate = Fate::kAnswer;
  int status = 200;
  HttpHeaders headers = {};
  std::string body = {};  // dropped for 204 and 304, which have none
  // [server thread] Of kHandOver. It is no HTTP connection any more, and does not count as one.
  std::function<void(TakenSocket&& taken)> hand_over = nullptr;
  // [server thread] The fate is done or the peer is gone; not called where the server stops first.
  std::function<void()> sent = nullptr;
};

class HttpServer {
 public:
  static constexpr size_t kMostHeaderBytes = 32 << 10;  // Boost.Beast throws where one has 64 KiB
  // [server thread] Must neither block for long nor throw.
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;
  // [any thread] The first call gives the answer, later ones do nothing; none of them blocks. It
  // may outlive the connection and the server. Where the last copy goes uncalled, it is 503.
  using Answer = std::function<void(HttpAnswer)>;
  // [server thread] Keeps `answer` or calls it at once. Must neither block for long nor throw. The
  // request is gone when it returns.
  using AsyncHandler = std::function<void(const HttpRequest&, Answer answer)>;

  struct Options {
    // "127.0.0.1:5580", "[::1]:0"; port 0: any free one. Or "unix:/run/tallybus/admin.sock": the
    // file has mode 0600, and one that a dead process left is replaced.
    std::string listen;
    std::string setting;           // what the operator calls `listen`, for errors: "listen.web"
    std::string thread_name;       // at most 15 characters
    size_t max_connections = 256;  // those above are closed at once
    // Above: headers_too_long, and the connection ends. At most kMostHeaderBytes.
    size_t header_bytes = 8 << 10;
    HttpAnswer headers_too_long = {.status = 431};
    size_t body_bytes = 64 << 10;  // above: 413, and the connection ends
    // For a whole request to arrive, for an answer to leave, and between two requests.
    absl::Duration idle_timeout = absl::Seconds(10);
    // For an answer to come from `async_handler`; then it is 504. idle_timeout rests meanwhile.
    absl::Duration answer_timeout = absl::Seconds(10);
    Handler handler;
    AsyncHandler async_handler;  // where set, in the place of `handler`
    // [server thread] A connection or request that never reached the handler, by a fixed word:
    // connections, headers, body, malformed, timeout, accept. Or one that got no answer from it:
    // answer_late, answer_lost.
    std::function<void(std::string_view reason)> refused;
  };

  // [control] Listens when it returns. INVALID_ARGUMENT: not an address. FAILED_PRECONDITION:
  // cannot listen there; the text names the setting, the address and the mend.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Options options);
  // [control] As Stop.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // [any thread] Where it listens, in the form of Options::listen, the chosen port included.
  const std::string& address() const { return address_; }
  // [control] Ends every connection and joins the thread: no handler runs when it returns, and what
  // is answered later goes nowhere. A second call does nothing.
  void Stop();

 private:
  class Machine;
  HttpServer(std::unique_ptr<Machine> machine, std::string address);

  std::unique_ptr<Machine> machine_;
  const std::string address_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_HTTP_SERVER_H_
