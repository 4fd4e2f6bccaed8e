// Janus's signals are Janus's: a thread inherits the mask of the one that starts it.
#ifndef TALLYBUS_PLUGINS_JANUS_BLOCKED_SIGNALS_H_
#define TALLYBUS_PLUGINS_JANUS_BLOCKED_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

namespace tallybus::janus {

// Blocks every signal for the calling thread as long as it lives: start threads meanwhile.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_BLOCKED_SIGNALS_H_
