// A thread that takes none of its host's signals, and has a name.
#include "tallybus/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>

namespace tallybus {
namespace {

bool Blocks(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST(ThreadTest, TakesNoSignalsAndLeavesItsStartersMaskAlone) {
  bool blocks = false;
  StartThread("signals", [&] { blocks = Blocks(SIGTERM) && Blocks(SIGUSR1); }).join();
  EXPECT_TRUE(blocks);
  EXPECT_FALSE(Blocks(SIGTERM));
}

TEST(ThreadTest, IsCalledByAsMuchOfItsNameAsTheKernelKeeps) {
  std::mutex mutex;
  std::condition_variable seen;
  bool done = false;
  std::thread thread = StartThread("a name of more than 15", [&] {
    std::unique_lock lock(mutex);
    seen.wait(lock, [&] { return done; });
  });
  char name[32] = "";
  pthread_getname_np(thread.native_handle(), name, sizeof name);
  {
    std::lock_guard lock(mutex);
    done = true;
  }
  seen.notify_one();
  thread.join();
  EXPECT_STREQ(name, "a name of more ");
}

}  // namespace
}  // namespace tallybus
