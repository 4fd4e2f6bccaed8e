// Listening, the thread, and the bound on connections.
#include "transports/web/http_server.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>

#include "tallybus/thread.h"
#include "transports/web/http_connection.h"
#include "transports/web/http_listener.h"
#include "transports/web/pending_answer.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

// How long accepting rests when the process is out of descriptors.
constexpr std::chrono::milliseconds kAcceptRest{100};

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
    auto listener = HttpListener::Open(io_, options_.setting, options_.listen);
    if (!listener.ok()) return listener.status();
    listener_.emplace(*std::move(listener));
    return listener_->address();
  }

  void Run() {
    Accept();
    thread_ = StartThread(options_.thread_name, [this] { io_.run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
    answers_->Close();
    listener_.reset();
  }

 private:
  void Accept() {
    listener_->acceptor().async_accept([this](Error error, HttpConnection::Socket socket) {
      if (error) return Rest();
      if (open_ >= options_.max_connections) {
        options_.refused("connections");
      } else {
        ++open_;
        std::make_shared<HttpConnection>(std::move(socket), options_, answers_, [this] {
          --open_;
        })->Read();
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
  const std::shared_ptr<ServerThread> answers_ = std::make_shared<ServerThread>(io_);
  std::optional<HttpListener> listener_;
  asio::steady_timer rest_{io_};
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Options options) {
  if (!options.refused) options.refused = [](std::string_view) {};
  options.header_bytes = std::min(options.header_bytes, kMostHeaderBytes);
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
