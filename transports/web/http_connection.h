// One connection of the HTTP server: read a request, answer it, read the next. Private to the
// server: only its .cc includes this, and with it Boost.Beast.
#ifndef TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "transports/web/http_server.h"

namespace tallybus {

// [server thread] Keeps itself alive by the operation that it waits for.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `options` outlives the connection; `closed` is called once, at its end.
  HttpConnection(boost::asio::ip::tcp::socket socket, const HttpServer::Options& options,
                 std::function<void()> closed);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void Read();

 private:
  using Error = boost::beast::error_code;

  void OnRead(Error error, size_t);
  void OnReadFailed(Error error);
  void Refuse(int status, std::string_view reason);
  void Carry(HttpAnswer answer, bool keep_alive);
  void Write(HttpAnswer answer, bool keep_alive);
  void OnWritten(Error error, size_t);
  void Reset();
  void FinishSending();
  void Discard();
  void Done();

  boost::beast::tcp_stream stream_;
  const HttpServer::Options& options_;
  const std::function<void()> closed_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::function<void()> sent_;
  std::array<char, 4096> discarded_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_HTTP_CONNECTION_H_
