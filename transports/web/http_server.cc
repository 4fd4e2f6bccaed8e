// Listening, the thread, and the bound on connections.
#include "transports/web/http_server.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <pthread.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>

#include "transports/web/http_connection.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

// How long accepting rests when the process is out of descriptors.
constexpr std::chrono::milliseconds kAcceptRest{100};

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

absl::StatusOr<HostPort> SplitHostPort(const HttpServer::Options& options) {
  const std::string& listen = options.listen;
  const size_t colon = listen.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(options.setting, ": '", listen,
                                                   "' is not host:port, for example "
                                                   "127.0.0.1:5580"));
  }
  std::string host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return HostPort{host, static_cast<uint16_t>(port)};
}

absl::StatusOr<tcp::endpoint> Resolve(const HttpServer::Options& options, asio::io_context& io) {
  absl::StatusOr<HostPort> address = SplitHostPort(options);
  if (!address.ok()) return address.status();
  Error error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(address->host, std::to_string(address->port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.setting, ": '", options.listen,
                     "' names no address of this machine: ", error.message()));
  }
  return found.begin()->endpoint();
}

absl::Status CannotListen(const HttpServer::Options& options, const Error& error) {
  std::string_view mend = "choose an address of this machine";
  std::string what = error.message();
  if (error.value() == EADDRINUSE) {
    what = "in use by another program";
    mend = "stop that program, or choose another port (0 takes any free one)";
  } else if (error.value() == EACCES) {
    mend = "choose a port above 1023, or give the process CAP_NET_BIND_SERVICE";
  }
  return absl::FailedPreconditionError(absl::StrCat(
      options.setting, ": cannot listen on ", options.listen, ": ", what, ": ", std::string(mend)));
}

std::string ToString(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

// A thread that takes no signal: those belong to the main thread.
std::thread StartThread(const std::string& name, std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name.c_str());
  return thread;
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view name) const {
  const absl::string_view wanted(name.data(), name.size());
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, wanted)) return value;
  }
  return {};
}

// The acceptor and the thread. The members' order matters: connections die with io_ and then still
// count themselves out of open_.
class HttpServer::Machine {
 public:
  explicit Machine(Options options) : options_(std::move(options)) {}

  absl::StatusOr<std::string> Listen() {
    absl::StatusOr<tcp::endpoint> wanted = Resolve(options_, io_);
    if (!wanted.ok()) return wanted.status();
    Error error;
    acceptor_.open(wanted->protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(*wanted, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return CannotListen(options_, error);
    return ToString(acceptor_.local_endpoint(error));
  }

  void Run() {
    Accept();
    thread_ = StartThread(options_.thread_name, [this] { io_.run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
    Error ignored;
    acceptor_.close(ignored);
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](Error error, tcp::socket socket) {
      if (error) return Rest();
      if (open_ >= options_.max_connections) {
        options_.refused("connections");
      } else {
        ++open_;
        std::make_shared<HttpConnection>(std::move(socket), options_, [this] { --open_; })->Read();
      }
      Accept();
    });
  }

  void Rest() {
    options_.refused("accept");
    rest_.expires_after(kAcceptRest);
    rest_.async_wait([this](Error error) {
      if (!error) Accept();
    });
  }

  const Options options_;
  size_t open_ = 0;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer rest_{io_};
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  if (!options.refused) options.refused = [](std::string_view) {};
  auto machine = std::make_unique<Machine>(std::move(options));
  absl::StatusOr<std::string> address = machine->Listen();
  if (!address.ok()) return address.status();
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(machine), *std::move(address)));
  server->machine_->Run();
  return server;
}

HttpServer::HttpServer(std::unique_ptr<Machine> machine, std::string address)
    : machine_(std::move(machine)), address_(std::move(address)) {}

HttpServer::~HttpServer() { Stop(); }

// Open connections end here too: a peer must not wait on one that nobody serves.
void HttpServer::Stop() {
  if (machine_ == nullptr) return;
  machine_->Stop();
  machine_.reset();
}

}  // namespace tallybus
