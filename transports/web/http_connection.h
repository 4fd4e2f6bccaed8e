// One connection of the HTTP server: read a request, answer it, read the next. Private to the
// server: only its .cc includes this, and with it Boost.Beast.
#ifndef TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "transports/web/http_server.h"
#include "transports/web/pending_answer.h"
#include "transports/web/web_stream.h"

namespace tallybus {

// [server thread] Keeps itself alive by the operation that it waits for; while an answer is to
// come, that is the timer for it.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `options` outlives the connection; `closed` is called once, at its end.
  HttpConnection(WebStream stream, const HttpServer::Options& options,
                 std::shared_ptr<ServerThread> thread, std::function<void()> closed);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Shakes hands where there is TLS, and reads.
  void Start();

 private:
  using Error = boost::beast::error_code;

  void Read();
  void ExpireIn(absl::Duration wait);
  void ExpireNever();
  void OnRead(Error error, size_t);
  void OnReadFailed(Error error);
  void AwaitAnswer(const HttpRequest& request);
  void OnAnswer(uint64_t request, std::optional<HttpAnswer> answer);
  void OnAnswerLate(uint64_t request);
  void Fail(int status, std::string_view reason, std::string_view sentence);
  void Refuse(HttpAnswer answer, std::string_view reason);
  void Carry(HttpAnswer answer);
  void HandOver(HttpAnswer answer);
  void Write(HttpAnswer answer, bool keep_alive);
  void OnWritten(Error error, size_t);
  void Reset();
  void FinishSending();
  void Discard();
  void Done();

  WebStream stream_;
  boost::asio::steady_timer idle_timer_;  // for what is read or written
  uint64_t expiry_ = 0;                   // numbers what it is set to
  bool timed_out_ = false;
  const HttpServer::Options& options_;
  const std::shared_ptr<ServerThread> thread_;
  const std::function<void()> closed_;
  bool keep_alive_ = false;      // what the last request asked for
  uint64_t requests_ = 0;        // numbers them, so that an answer finds its own
  bool answer_pending_ = false;  // to request number requests_
  boost::asio::steady_timer answer_timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::function<void()> sent_;
  std::array<char, 4096> discarded_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_
