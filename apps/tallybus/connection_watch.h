// Whether a ZeroMQ socket has a connection: what the socket itself never tells.
#ifndef TALLYBUS_APPS_TALLYBUS_CONNECTION_WATCH_H_
#define TALLYBUS_APPS_TALLYBUS_CONNECTION_WATCH_H_

#include <cstdint>
#include <zmq.hpp>

namespace tallybus::cli {

// One thread, that of the socket. Made before the socket connects, destroyed before it.
class ConnectionWatch {
 public:
  // Throws zmq::error_t, as the constructors of sockets do.
  ConnectionWatch(zmq::context_t& context, zmq::socket_t& watched);

  // Reads what has happened since. Never blocks.
  void Update();

  // Ends watching; needed before a context can close under the watch.
  void Close() { events_.close(); }

  uint64_t made() const { return made_; }
  uint64_t lost() const { return lost_; }

 private:
  zmq::socket_t events_;
  uint64_t made_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_CONNECTION_WATCH_H_
