// A ZeroMQ peer for tests, and the bounded wait for what libzmq's own thread brings.
#ifndef TALLYBUS_TESTS_TRANSPORTS_ZMQ_ZMQ_PEER_H_
#define TALLYBUS_TESTS_TRANSPORTS_ZMQ_ZMQ_PEER_H_

#include <chrono>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

namespace tallybus::zmq_transport {

inline constexpr int kPatienceMs = 60'000;

// True as soon as `socket` can be read; false after a minute.
inline bool WaitReadable(zmq::socket_t& socket, int patience_ms = kPatienceMs) {
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  return zmq::poll(&item, 1, std::chrono::milliseconds(patience_ms)) == 1;
}

class Peer {
 public:
  Peer(zmq::context_t& context, zmq::socket_type type, const std::string& endpoint)
      : socket_(context, type) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(endpoint);
  }

  void Send(const std::vector<std::string_view>& frames) {
    for (size_t i = 0; i < frames.size(); ++i) {
      const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      (void)socket_.send(zmq::buffer(frames[i]), flags);
    }
  }
  // The next message's frames; none where none comes in time.
  std::vector<std::string> Receive(int patience_ms = kPatienceMs) {
    std::vector<std::string> frames;
    if (!WaitReadable(socket_, patience_ms)) return frames;
    zmq::message_t frame;
    do {
      (void)socket_.recv(frame);
      frames.push_back(frame.to_string());
    } while (frame.more());
    return frames;
  }
  zmq::socket_t& socket() { return socket_; }

 private:
  zmq::socket_t socket_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_TESTS_TRANSPORTS_ZMQ_ZMQ_PEER_H_
