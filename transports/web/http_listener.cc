// Binding, with every way that it fails told in words.
#include "transports/web/http_listener.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace tallybus {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr absl::string_view kUnix = "unix:";

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

absl::StatusOr<HostPort> SplitHostPort(const std::string& setting, const std::string& listen) {
  const size_t colon = listen.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(setting, ": '", listen,
                                                   "' is not host:port, for example "
                                                   "127.0.0.1:5580"));
  }
  std::string host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return HostPort{host, static_cast<uint16_t>(port)};
}

absl::StatusOr<tcp::endpoint> Resolve(asio::io_context& io, const std::string& setting,
                                      const std::string& listen) {
  absl::StatusOr<HostPort> address = SplitHostPort(setting, listen);
  if (!address.ok()) return address.status();
  Error error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(address->host, std::to_string(address->port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        setting, ": '", listen, "' names no address of this machine: ", error.message()));
  }
  return found.begin()->endpoint();
}

absl::Status CannotListen(const std::string& setting, const std::string& listen,
                          const Error& error) {
  std::string_view mend = "choose an address of this machine";
  std::string what = error.message();
  if (error.value() == EADDRINUSE) {
    what = "in use by another program";
    mend = "stop that program, or choose another port (0 takes any free one)";
  } else if (error.value() == EACCES) {
    mend = "choose a port above 1023, or give the process CAP_NET_BIND_SERVICE";
  }
  return absl::FailedPreconditionError(
      absl::StrCat(setting, ": cannot listen on ", listen, ": ", what, ": ", std::string(mend)));
}

tcp::endpoint TcpEndpointOf(const HttpListener::Acceptor& acceptor) {
  Error ignored;
  const auto bound = acceptor.local_endpoint(ignored);
  tcp::endpoint endpoint;
  memcpy(endpoint.data(), bound.data(), bound.size());
  endpoint.resize(bound.size());
  return endpoint;
}

std::string ToString(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

}  // namespace

absl::StatusOr<HttpListener> HttpListener::Open(asio::io_context& io, const std::string& setting,
                                                const std::string& listen) {
  HttpListener listener(io);
  absl::Status status = absl::StartsWith(listen, kUnix)
                            ? listener.OpenUnix(setting, listen.substr(kUnix.size()))
                            : listener.OpenTcp(io, setting, listen);
  if (!status.ok()) return status;
  return listener;
}

absl::Status HttpListener::OpenTcp(asio::io_context& io, const std::string& setting,
                                   const std::string& listen) {
  absl::StatusOr<tcp::endpoint> wanted = Resolve(io, setting, listen);
  if (!wanted.ok()) return wanted.status();
  Error error;
  acceptor_.open(wanted->protocol(), error);
  if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(*wanted, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return CannotListen(setting, listen, error);
  address_ = ToString(TcpEndpointOf(acceptor_));
  return absl::OkStatus();
}

absl::Status HttpListener::OpenUnix(const std::string& setting, const std::string& path) {
  absl::StatusOr<UnixSocketFile> file = UnixSocketFile::Claim(setting, path);
  if (!file.ok()) return file.status();
  file_.emplace(*std::move(file));
  Error error;
  acceptor_.open(asio::local::stream_protocol(), error);
  // The file gets its mode from the descriptor: it never is there with a wider one.
  if (!error && fchmod(acceptor_.native_handle(), 0600) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor_.bind(asio::local::stream_protocol::endpoint(path), error);
  if (!error) file_->Bound();
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::FailedPreconditionError(absl::StrCat(setting, ": cannot listen on unix:", path,
                                                      ": ", error.message(), "; set ", setting,
                                                      " to another path"));
  }
  address_ = absl::StrCat(kUnix, path);
  return absl::OkStatus();
}

}  // namespace tallybus
