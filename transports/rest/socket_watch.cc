// epoll registrations, changed only where they must be.
#include "transports/rest/socket_watch.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <cerrno>

namespace tallybus::rest {
namespace {
constexpr size_t kEventsATurn = 4096;  // a whole restart of a backend in one turn
}  // namespace

SocketWatch::~SocketWatch() {
  if (epoll_ >= 0) close(epoll_);
}

absl::Status SocketWatch::Open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  ready_.resize(kEventsATurn);
  return absl::OkStatus();
}

void SocketWatch::Opened(int socket, Attempt* owner) {
  At(socket) = Entry{.is_connection = true, .owner = owner};
}

void SocketWatch::Leave(int socket) { Register(socket, &At(socket), 0); }

void SocketWatch::Closing(int socket) { At(socket) = Entry{}; }

void SocketWatch::Want(int socket, uint32_t events) {
  Entry& entry = At(socket);
  entry.wanted = events;
  entry.unwanted_event = false;
  if (events == 0 && entry.is_connection) return;
  Register(socket, &entry, events);
}

bool SocketWatch::IsWanted(int socket) {
  Entry& entry = At(socket);
  if (entry.wanted != 0) return true;
  // libcurl closes a socket that never connected without a word, and the number may be somebody
  // else's by now. Its last event comes once; a socket of ours that stays ready comes again.
  if (entry.unwanted_event) Register(socket, &entry, 0);
  entry.unwanted_event = !entry.unwanted_event;
  return false;
}

std::span<const epoll_event> SocketWatch::Wait(int timeout_ms) {
  const int size = static_cast<int>(ready_.size());
  int n = epoll_wait(epoll_, ready_.data(), size, timeout_ms);
  if (n < 0 && errno == EINTR) n = epoll_wait(epoll_, ready_.data(), size, 0);
  return {ready_.data(), n > 0 ? static_cast<size_t>(n) : 0};
}

SocketWatch::Entry& SocketWatch::At(int socket) {
  const auto index = static_cast<size_t>(socket);
  if (index >= entries_.size()) entries_.resize(index + 1);
  return entries_[index];
}

void SocketWatch::Register(int socket, Entry* entry, uint32_t events) {
  if (entry->registered == events) return;
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  const int operation = events == 0              ? EPOLL_CTL_DEL
                        : entry->registered == 0 ? EPOLL_CTL_ADD
                                                 : EPOLL_CTL_MOD;
  ++calls_;
  bool done = epoll_ctl(epoll_, operation, socket, &event) == 0;
  // The registration was of a socket that is closed; its number is a new one's.
  if (!done && operation == EPOLL_CTL_MOD && errno == ENOENT) {
    done = epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) == 0;
  }
  // Only a descriptor that is gone can be refused; the next wish for it starts afresh.
  entry->registered = done ? events : 0;
}

}  // namespace tallybus::rest
