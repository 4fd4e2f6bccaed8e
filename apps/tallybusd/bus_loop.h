// The daemon's one thread of work: polls the bus sockets and steps the router.
#ifndef TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_
#define TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_

#include <poll.h>

#include <functional>
#include <optional>
#include <vector>

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
  void Ring();                    // [any thread] never blocks
  void Clear();                   // [owner]
  int fd() const { return fd_; }  // negative: there was none to be had

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
  // One bus socket. libzmq is asked only where its descriptor says so: each question costs a
  // system call or two, and most turns are about completed attempts. And once a second whatever it
  // says, so that one that did not tell of a message would delay it, and not lose it.
  struct Source {
    std::function<bool()> receive;  // true: there is more
    std::function<bool()> has_unannounced;
    std::function<bool()> is_paused;
    bool wants = true;  // to be read in the next turn, whatever its descriptor says
  };
  template <typename Socket>
  void AddSource(Socket* socket, std::function<bool()> is_paused);
  void Turn();
  void Sleep();
  int PollTimeoutMs() const;

  Parts parts_;
  std::vector<Source> sources_;
  std::vector<pollfd> items_;    // the wake-up, the signals, then one for each source
  std::optional<MonoTime> due_;  // when a part wants the next turn
  MonoTime looked_at_all_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_BUS_LOOP_H_
