// The sockets that one loop waits for, libcurl's and ours, kept in epoll with as few system calls
// as can be.
#ifndef TALLYBUS_REST_SOCKET_WATCH_H_
#define TALLYBUS_REST_SOCKET_WATCH_H_

#include <absl/status/status.h>
#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

namespace tallybus::rest {

class Attempt;

// [owner] One thread uses it. A socket of a connection stays registered while its connection waits
// in the pool, since the next request wants it in the same way; that saves two calls a request.
class SocketWatch {
 public:
  SocketWatch() = default;
  ~SocketWatch();
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;

  absl::Status Open();

  // A connection's socket begins; from now on its end is told by Closing. A socket of another
  // origin (libcurl's resolver has some) may vanish unsaid, so it is never left registered.
  // `owner` is who drives it; null: libcurl.
  void Opened(int socket, Attempt* owner = nullptr);
  Attempt* OwnerOf(int socket) { return At(socket).owner; }
  // Takes it out of epoll, which its closing would not do while another descriptor shares it.
  void Leave(int socket);
  // The socket is about to be closed, which also takes it out of epoll.
  void Closing(int socket);
  // EPOLLIN, EPOLLOUT, both, or 0 for nothing any more.
  void Want(int socket, uint32_t events);
  // Whether anybody wants to hear of an event on this socket. If not it is taken out of epoll: a
  // pooled connection that its peer has closed would be reported for ever.
  bool IsWanted(int socket);

  // Waits up to `timeout_ms` (negative: without end). Valid until the next call.
  std::span<const epoll_event> Wait(int timeout_ms);

  int calls() const { return calls_; }  // of epoll_ctl so far

 private:
  struct Entry {
    uint32_t wanted = 0;
    uint32_t registered = 0;
    bool is_connection = false;
    bool unwanted_event = false;  // one came since the last wish
    Attempt* owner = nullptr;
  };
  Entry& At(int socket);
  void Register(int socket, Entry* entry, uint32_t events);

  int epoll_ = -1;
  int calls_ = 0;
  std::vector<Entry> entries_;  // by descriptor
  std::vector<epoll_event> ready_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_SOCKET_WATCH_H_
