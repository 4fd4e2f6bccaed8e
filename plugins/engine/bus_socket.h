// The library's one DEALER, and its own ZeroMQ context where the router is elsewhere.
//
// After Open it belongs to the sender's thread. It never blocks, and what it has handed to libzmq
// and libzmq has not yet written is bounded in bytes.
#ifndef TALLYBUS_PLUGINS_ENGINE_BUS_SOCKET_H_
#define TALLYBUS_PLUGINS_ENGINE_BUS_SOCKET_H_

#include <tallybus/c/types.h>
#include <zmq.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "message.h"
#include "settings.h"

namespace tallybus::engine {

// How many bytes libzmq, or a router in this process, still holds of what was sent: it may hold
// them when the socket is gone.
using InTransit = std::shared_ptr<std::atomic<size_t>>;

// A message on its way out, in memory that is counted as in transit until they let go of it.
class Outgoing {
 public:
  Outgoing(size_t size, const InTransit& in_transit);
  ~Outgoing() { zmq_msg_close(&message_); }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  void* data() { return zmq_msg_data(&message_); }
  zmq_msg_t* message() { return &message_; }

 private:
  zmq_msg_t message_;
};

class BusSocket {
 public:
  enum class Received { kNothing, kMessage, kMalformed };

  // The settings outlive the socket.
  explicit BusSocket(const Settings& settings) : settings_(settings) {}
  ~BusSocket() { Shut(0); }
  BusSocket(const BusSocket&) = delete;
  BusSocket& operator=(const BusSocket&) = delete;

  // INVALID: libzmq does not take the endpoint or a key. UNAVAILABLE: no socket to be had.
  tallybus_status Open();
  bool is_open() const { return socket_ != nullptr; }
  // Closes the socket; what was sent has linger_ms to leave.
  void Close(int linger_ms);
  // Closes the context too; may block for linger_ms.
  void Shut(int linger_ms);

  // Room for `size` more bytes in transit. A message larger than all of it goes alone.
  bool HasRoom(size_t size) const;
  const InTransit& in_transit() const { return in_transit_; }
  // False: not now, since there is no connection or it takes no more.
  bool Send(Kind kind, Outgoing& body);
  bool Send(Kind kind, std::string_view body);

  // *body is valid until the next call.
  Received Receive(uint8_t* kind, std::string_view* body);
  // Whether Receive may find something.
  bool HasNews() const { return touched_; }
  // Whether there is something to do before waiting: a message to receive or, to one who could not
  // send, room. libzmq's descriptor tells of changes only, and any call may take the news away: so
  // after one, and before waiting, one has to ask.
  bool IsReady(bool wants_to_send);

  // Waits until the connection has news, or wake_fd is readable, or the time is over.
  void Wait(int wake_fd, int64_t timeout_us);

 private:
  bool Configure(void* socket) const;
  bool SetKeys(void* socket) const;
  Received TakeRest();

  const Settings& settings_;
  const InTransit in_transit_ = std::make_shared<std::atomic<size_t>>(0);
  void* context_ = nullptr;  // of a router in this process: borrowed
  void* socket_ = nullptr;
  int fd_ = -1;
  bool touched_ = false;  // since IsReady was asked
  zmq_msg_t body_;
  bool has_body_ = false;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_BUS_SOCKET_H_
