// What exit() runs is run in the reverse order of its being registered, so the first publisher
// registers this after its router has loaded and started everything.
#include "left_open.h"

#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "publisher.h"

namespace tallybus::engine {
namespace {

struct LeftOpen {
  const pid_t process = getpid();  // a child of fork() has the list, and none of the threads
  std::mutex mutex;
  std::set<tallybus_publisher*> publishers;
};

LeftOpen* left_open = nullptr;

void CloseAll() {
  if (getpid() != left_open->process) return;
  const std::lock_guard<std::mutex> lock(left_open->mutex);
  for (tallybus_publisher* publisher : left_open->publishers) publisher->CloseAtExit();
}

LeftOpen& TheList() {
  static const int registered = [] {
    left_open = new LeftOpen;
    return std::atexit(CloseAll);
  }();
  static_cast<void>(registered);
  return *left_open;
}

}  // namespace

void WatchForExit(tallybus_publisher* publisher) {
  LeftOpen& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  list.publishers.insert(publisher);
}

void ForgetAtExit(tallybus_publisher* publisher) {
  LeftOpen& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  list.publishers.erase(publisher);
}

}  // namespace tallybus::engine
