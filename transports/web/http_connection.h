// One connection of the HTTP server: read a request, answer it, read the next. Private to the
// server: only its .cc includes this, and with it Boost.Beast.
#ifndef TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
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

namespace tallybus {

// [server thread] Keeps itself alive by the operation that it waits for; while an answer is to
// come, that is the timer for it.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  // `options` outlives the connection; `closed` is called once, at its end.
  HttpConnection(Socket socket, const HttpServer::Options& options,
                 std::shared_ptr<ServerThread> thread, std::function<void()> closed);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void Read();

 private:
  using Error = boost::beast::error_code;

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

  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
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
