// The library's one thread: it carries the ring to the router.
//
// For a millisecond after a record it looks for more, after 50 µs and then less and less often, so
// that publishers need not wake it; then it parks until a publisher, the router or the next
// heartbeat wakes it. Its socket is watched all the while. With nothing to do it wakes a few times
// a second, for heartbeats.
#ifndef TALLYBUS_PLUGINS_ENGINE_SENDER_H_
#define TALLYBUS_PLUGINS_ENGINE_SENDER_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "callbacks.h"
#include "look_times.h"
#include "parking.h"
#include "ring.h"
#include "router_link.h"

namespace tallybus::engine {

class Sender {
 public:
  // All of them outlive the sender.
  Sender(const Settings& settings, uint64_t epoch, Ring* ring, Parking* parking, Counters* counters,
         Asks* asks);

  // INVALID: libzmq does not take the endpoint or a key. UNAVAILABLE: no socket, no thread.
  tallybus_status Start();
  // After Start, once: waits up to drain_ms for the router to take over what is held, says BYE, and
  // ends the thread. No record may be published from here on.
  void Stop(uint32_t drain_ms);
  // As Stop, by exit(): no callback starts from here on. False: one that had started, or what else
  // it does, lasted for a second more; the thread goes on then.
  bool StopMute(uint32_t drain_ms);
  // Whether the caller is a callback.
  bool IsThisThread() const { return thread_.get_id() == std::this_thread::get_id(); }

 private:
  void AskToStop(uint32_t drain_ms);
  void Run();
  bool Turn();
  void Rest(Pause pause, int64_t now_us, int64_t until_us);
  void Park(int64_t now_us, int64_t until_us);

  const Settings& settings_;
  Parking* const parking_;
  Callbacks callbacks_;
  RouterLink link_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> deadline_us_{0};
  LookTimes looks_;
  std::thread thread_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_SENDER_H_
