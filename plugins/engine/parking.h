// Where the sender sleeps while there is nothing to send, and how a publisher wakes it.
//
// The sender waits for two things at once: the ring and its ZeroMQ socket, whose readiness is a
// file descriptor. So what wakes it is an eventfd beside that descriptor in one ppoll, and not a
// futex, which would have to time out again and again to look at the socket. To the publisher it is
// the same: one flag to read, and one system call only where the sender sleeps.
#ifndef TALLYBUS_PLUGINS_ENGINE_PARKING_H_
#define TALLYBUS_PLUGINS_ENGINE_PARKING_H_

#include <atomic>

namespace tallybus::engine {

class Parking {
 public:
  Parking();
  ~Parking();
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  bool ok() const { return fd_ >= 0; }

  // [any thread, realtime] After publishing a record. True: the sender slept, and was woken.
  //
  // No wake-up is lost: the publisher stores the header, then reads the flag; the sender stores the
  // flag, then reads the header. All four are sequentially consistent, so one of the two sees the
  // other. (No fence: ThreadSanitizer does not understand those.)
  bool WakeIfParked() {
    return parked_.load(std::memory_order_seq_cst) && parked_.exchange(false) && (Wake(), true);
  }
  // [any thread, realtime] Wakes the sender whatever it waits for.
  void Wake();

  // [sender] Says that it is about to sleep. It must look at the ring once more before it does.
  void Announce() { parked_.store(true, std::memory_order_seq_cst); }
  // [sender] Is awake again.
  void Leave();
  // [sender] Readable once it has been woken.
  int fd() const { return fd_; }

 private:
  alignas(64) std::atomic<bool> parked_{false};
  const int fd_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_PARKING_H_
