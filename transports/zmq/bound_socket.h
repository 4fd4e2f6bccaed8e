// A ZeroMQ socket that is bound to a configured endpoint and owned by one thread.
#ifndef TALLYBUS_ZMQ_BOUND_SOCKET_H_
#define TALLYBUS_ZMQ_BOUND_SOCKET_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

namespace tallybus::zmq_transport {

// A message larger than this ends its connection inside libzmq; our own limit is lower.
inline constexpr int64_t kMaxMessageBytes = int64_t{16} << 20;
// What one turn reads from one socket before others have theirs.
inline constexpr int kMessagesATurn = 256;

class BoundSocket {
 public:
  // [control] `key` is the config key that gave the endpoint, for errors. A tcp endpoint must be on
  // loopback; its port may be 0 or * for any. An ipc endpoint is locked by a file beside it, since
  // a second bind would steal it in silence; a socket file that a dead process left is replaced.
  // An inproc endpoint is the process's own.
  static absl::StatusOr<BoundSocket> Bind(zmq::context_t& context, zmq::socket_type type,
                                          std::string_view key, const std::string& endpoint);
  ~BoundSocket();
  BoundSocket(BoundSocket&& other) noexcept;
  BoundSocket& operator=(BoundSocket&&) = delete;

  // [control] On an endpoint inside this process too: inproc://, of the same context.
  absl::Status BindInside(const std::string& endpoint);

  // For all but Receive; whoever takes it is taken to use it.
  zmq::socket_t& socket() {
    was_used_ = true;
    return socket_;
  }
  // [owner] Whether a message may be there that the socket's descriptor (ZMQ_FD) does not tell of:
  // a send takes what is announced off it. Asks libzmq where the socket was used since the last
  // call.
  bool HasUnannounced();
  // What it is really bound to, the chosen port included.
  const std::string& endpoint() const { return endpoint_; }

  // [owner] The next message's frames, without waiting; false where none is there. More frames than
  // `max_frames` are read and left out, which their number shows.
  bool Receive(size_t max_frames, std::vector<zmq::message_t>* frames);

 private:
  BoundSocket() = default;

  zmq::socket_t socket_;
  std::string endpoint_;
  int lock_fd_ = -1;
  bool was_used_ = false;
};

inline std::string_view Text(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_BOUND_SOCKET_H_
