// One thread and poll; a peer of a few checks, not of production.
#include "apps/tallybus/raw_peer.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tallybus/thread.h"

namespace tallybus::cli {
namespace {

constexpr size_t kBacklog = 1024;
constexpr size_t kChunk = 64 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<RawPeer>> RawPeer::Start(bool listens, std::string request_ends,
                                                        std::string answer) {
  std::unique_ptr<RawPeer> peer(new RawPeer(std::move(request_ends), std::move(answer)));
  if (absl::Status status = peer->Listen(); !status.ok()) return status;
  if (listens) {
    peer->thread_ = StartThread("raw-peer", [raw = peer.get()] { raw->Run(); });
  } else {
    close(peer->listener_);
    peer->listener_ = -1;
  }
  return peer;
}

RawPeer::RawPeer(std::string request_ends, std::string answer)
    : request_ends_(std::move(request_ends)), answer_(std::move(answer)) {}

RawPeer::~RawPeer() {
  if (wake_[1] >= 0) close(wake_[1]);
  if (thread_.joinable()) thread_.join();
  if (wake_[0] >= 0) close(wake_[0]);
  if (listener_ >= 0) close(listener_);
  for (const Connection& connection : connections_) close(connection.fd);
}

std::string RawPeer::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::vector<std::string> RawPeer::Requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

absl::Status RawPeer::Listen() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, any, size) != 0 || listen(listener_, kBacklog) != 0 ||
      getsockname(listener_, any, &size) != 0 || pipe(wake_) != 0) {
    return absl::ErrnoToStatus(errno, "cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  return absl::OkStatus();
}

void RawPeer::Run() {
  for (;;) {
    std::vector<pollfd> fds = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& connection : connections_) {
      const int want = connection.out.empty() ? POLLIN : POLLIN | POLLOUT;
      fds.push_back({connection.fd, static_cast<short>(want), 0});
    }
    poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) return;
    size_t kept = 0;
    for (size_t i = 0; i < connections_.size(); ++i) {
      if (fds[i + 2].revents != 0 && !Serve(connections_[i])) {
        close(connections_[i].fd);
        continue;
      }
      if (kept != i) connections_[kept] = std::move(connections_[i]);
      ++kept;
    }
    connections_.resize(kept);
    if (fds[1].revents != 0) Accept();
  }
}

void RawPeer::Accept() {
  int fd = -1;
  while ((fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
    connections_.push_back({fd, "", ""});
  }
}

bool RawPeer::Serve(Connection& connection) {
  std::string chunk(kChunk, '\0');
  ssize_t got = 0;
  while ((got = recv(connection.fd, chunk.data(), chunk.size(), 0)) > 0) {
    connection.in.append(chunk, 0, static_cast<size_t>(got));
    TakeRequests(connection);
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  while (!connection.out.empty()) {
    const ssize_t sent =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    connection.out.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

void RawPeer::TakeRequests(Connection& connection) {
  size_t end = 0;
  while ((end = connection.in.find(request_ends_)) != std::string::npos) {
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(connection.in.substr(0, end));
    }
    connection.in.erase(0, end + request_ends_.size());
    connection.out += answer_;
  }
}

}  // namespace tallybus::cli
