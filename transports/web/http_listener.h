// Where the HTTP server listens: a TCP address or a unix socket. Private to the server: only its
// .cc includes this, and with it Boost.Asio.
#ifndef TALLYBUS_TRANSPORTS_WEB_HTTP_LISTENER_H_
#define TALLYBUS_TRANSPORTS_WEB_HTTP_LISTENER_H_

#include <absl/status/statusor.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "transports/web/unix_socket_file.h"

namespace tallybus {

class HttpListener {
 public:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

  // [control] Listens when it returns, on "host:port" or "unix:/path"; the file of a unix socket
  // has mode 0600 and is removed with the listener. `io` outlives it. Errors: those of
  // HttpServer::Start.
  static absl::StatusOr<HttpListener> Open(boost::asio::io_context& io, const std::string& setting,
                                           const std::string& listen);

  Acceptor& acceptor() { return acceptor_; }
  // "127.0.0.1:5580", "unix:/run/tallybus/admin.sock".
  const std::string& address() const { return address_; }

 private:
  explicit HttpListener(boost::asio::io_context& io) : acceptor_(io) {}
  absl::Status OpenTcp(boost::asio::io_context& io, const std::string& setting,
                       const std::string& listen);
  absl::Status OpenUnix(const std::string& setting, const std::string& path);

  std::optional<UnixSocketFile> file_;
  Acceptor acceptor_;
  std::string address_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_HTTP_LISTENER_H_
