// ZeroMQ's socket monitor, counted.
#include "apps/tallybus/connection_watch.h"

#include <zmq.h>

#include <cstring>

namespace tallybus::cli {
namespace {

constexpr char kMonitor[] = "inproc://connection-watch";

}  // namespace

ConnectionWatch::ConnectionWatch(zmq::context_t& context, zmq::socket_t& watched)
    : events_(context, zmq::socket_type::pair) {
  if (zmq_socket_monitor(watched.handle(), kMonitor,
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0) {
    throw zmq::error_t();
  }
  events_.connect(kMonitor);
}

// An event is two frames: its 16-bit number with a value, and the address.
void ConnectionWatch::Update() {
  zmq::message_t frame;
  while (events_.recv(frame, zmq::recv_flags::dontwait)) {
    const bool is_event = frame.more();
    if (!is_event) continue;
    uint16_t event = 0;
    std::memcpy(&event, frame.data(), sizeof(event));
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) ++made_;
    // A peer that ends before the handshake was never a connection.
    if (event == ZMQ_EVENT_DISCONNECTED && made_ > lost_) ++lost_;
  }
}

}  // namespace tallybus::cli
