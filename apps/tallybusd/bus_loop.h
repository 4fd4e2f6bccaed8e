// The daemon's one thread of work: polls the bus sockets and steps the router.
#ifndef TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_
#define TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_

#include <functional>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "tallybus/clock.h"
#include "tallybus/router.h"
#include "transports/zmq/client_channel.h"
#include "transports/zmq/engine_ingress.h"
#include "transports/zmq/open_ingress.h"

namespace tallybus {

// An eventfd: makes the loop turn.
class WakeUp {
 public:
  WakeUp();
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;
  void Ring();   // [any thread] never blocks
  void Clear();  // [owner]
  int fd() const { return fd_; }

 private:
  int fd_;
};

class BusLoop {
 public:
  struct Parts {  // borrowed; a listener that is switched off is nullptr
    const Clock& clock;
    Router& router;
    zmq_transport::EngineIngress* engine;
    zmq_transport::OpenIngress* open;
    zmq_transport::XpubChannel* clients;
    WakeUp& wake;
    int signal_fd;
    std::function<void()> on_signal;  // signal_fd is readable
    std::function<void()> on_turn;
  };
  explicit BusLoop(Parts parts);

  // Runs while `keep_going` says so; asked after each turn, at least once a second.
  void RunWhile(const std::function<bool()>& keep_going);

 private:
  void Turn();
  void Sleep();
  long PollTimeoutMs() const;

  Parts parts_;
  std::vector<zmq::pollitem_t> items_;
  size_t open_item_ = 0;         // index of the open bus; 0: there is none
  std::optional<MonoTime> due_;  // when a part wants the next turn
  bool more_ = false;            // a socket had more than one turn reads
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_
