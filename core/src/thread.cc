// A thread begins with the signal mask of the one that starts it.
#include "tallybus/thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace tallybus {
namespace {

constexpr size_t kMostOfAName = 15;  // the kernel refuses more

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

}  // namespace

std::thread StartThread(const std::string& name, std::function<void()> run) {
  const BlockedSignals blocked;  // also where there is no thread to be had
  std::thread thread(std::move(run));
  pthread_setname_np(thread.native_handle(), name.substr(0, kMostOfAName).c_str());
  return thread;
}

}  // namespace tallybus
