// A thread of ours inside a process that may be another's.
#ifndef TALLYBUS_THREAD_H_
#define TALLYBUS_THREAD_H_

#include <functional>
#include <string>
#include <thread>

namespace tallybus {

// [any thread] Starts it with every signal blocked: those belong to the host's threads. `name`, of
// which 15 bytes are shown, is what top and gdb call it.
std::thread StartThread(const std::string& name, std::function<void()> run);

}  // namespace tallybus

#endif  // TALLYBUS_THREAD_H_
