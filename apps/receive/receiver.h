// The development backend: takes every event, shows it, says what is wrong with its order, and
// answers by a script.
#ifndef TALLYBUS_APPS_RECEIVE_RECEIVER_H_
#define TALLYBUS_APPS_RECEIVE_RECEIVER_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apps/receive/answer_script.h"
#include "apps/receive/arrival.h"
#include "apps/receive/seen_ids.h"
#include "apps/receive/sequence_watch.h"
#include "transports/web/http_server.h"

namespace tallybus::receive {

class Receiver {
 public:
  struct Options {
    std::string listen = "127.0.0.1:8081";  // port 0: any free one
    std::string setting = "--port";         // what the operator calls it, for errors
    AnswerScript script;
    bool json = false;   // lines for scripts instead of people
    uint64_t until = 0;  // after so many answers `done` is called, once; 0: never
    // [receive thread, the first call in Start] One line without a newline. Must not call back.
    std::function<void(std::string_view line)> print;
    std::function<void()> done;  // [receive thread] Must not block; may be empty.
    size_t remembered_ids = 65536;
    size_t remembered_lanes = 4096;
  };

  struct Totals {
    uint64_t events = 0;
    uint64_t duplicates = 0;  // whose id came before
    uint64_t holes = 0;       // whose sequence was not the next of its lane
    uint64_t refused = 0;     // connections and requests that were refused unread
    uint64_t forgotten = 0;   // ids and lanes that no longer fit: later ones go unnoticed

    // "3 events, 0 duplicates, 0 holes", and the others where they are not 0.
    std::string ToString() const;
  };

  // [control] Serves when it returns, on a thread "tallybus-recv"; the first line printed is
  // "listening on http://<address>". Errors: those of HttpServer::Start.
  static absl::StatusOr<std::unique_ptr<Receiver>> Start(Options options);
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  const std::string& address() const { return server_->address(); }  // [any thread]
  Totals totals() const;                                             // [any thread]
  // [control] Nothing is printed after it returns. A second call does nothing.
  void Stop() { server_->Stop(); }

 private:
  explicit Receiver(Options options);
  HttpServer::Options ServerOptions();
  HttpAnswer OnRequest(const HttpRequest& request);
  void Judge(Arrival& arrival);
  HttpAnswer AnswerTo(const ScriptedAnswer& scripted, const Arrival& arrival);
  void OnSent();

  mutable std::mutex mutex_;  // guards the script and all from ids_ to totals_
  Options options_;
  SeenIds ids_;
  SequenceWatch lanes_;
  Totals totals_;
  uint64_t answered_ = 0;               // [receive thread]
  std::unique_ptr<HttpServer> server_;  // last: its thread uses the others
};

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_RECEIVER_H_
