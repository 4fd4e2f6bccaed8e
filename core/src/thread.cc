// A thread begins with the signal mask of the one that starts it.
#include "tallybus/thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace tallybus {
namespace {

constexpr size_t kMostOfAName = 15;  // the kernel refuses more

}  // namespace

std::thread StartThread(const std::string& name, std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name.substr(0, kMostOfAName).c_str());
  return thread;
}

}  // namespace tallybus
