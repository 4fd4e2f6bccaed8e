// The way of an answer that comes later, from any thread, to the server's thread. Private to the
// server: only its .cc files include this, and with it Boost.Asio.
#ifndef TALLYBUS_TRANSPORTS_WEB_PENDING_ANSWER_H_
#define TALLYBUS_TRANSPORTS_WEB_PENDING_ANSWER_H_

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "transports/web/http_server.h"

namespace tallybus {

// Leads onto the thread that runs `io`, and nowhere once it is closed: whoever has an answer may
// outlive the server.
class ServerThread {
 public:
  explicit ServerThread(boost::asio::io_context& io) : io_(&io) {}
  // [any thread] Never blocks for long, never runs `task` itself. Dropped where closed.
  void Post(std::function<void()> task);
  // [control] Before `io` is destroyed.
  void Close();

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

// The closure that an asynchronous handler gets for one request. `take` is posted at most once:
// with the first answer, or with nullopt where the last copy of the closure went without one.
HttpServer::Answer AnswerOnce(std::shared_ptr<ServerThread> thread,
                              std::function<void(std::optional<HttpAnswer>)> take);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_PENDING_ANSWER_H_
