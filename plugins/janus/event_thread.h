// The thread that takes Janus's events from the queue. While ten and more come a second it naps and
// looks again, so that nobody has to wake it; after 100 ms of silence it sleeps.
#ifndef TALLYBUS_PLUGINS_JANUS_EVENT_THREAD_H_
#define TALLYBUS_PLUGINS_JANUS_EVENT_THREAD_H_

#include <jansson.h>

#include <atomic>
#include <thread>

#include "event_queue.h"

namespace tallybus::janus {

// Both are called on the thread.
class EventTaker {
 public:
  virtual ~EventTaker() = default;
  virtual void Take(const json_t* event) noexcept = 0;
  // The queue is empty and stayed so for 1.5 ms; called again and again for 100 ms, then once.
  // True: go on calling, though nothing comes.
  virtual bool Rest() noexcept = 0;
};

class EventThread {
 public:
  // Throws std::system_error where there is no thread to be had. Both outlive this.
  EventThread(EventQueue& queue, EventTaker& taker);
  ~EventThread() { Stop(); }
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // Returns when all that was pushed before has been taken and the thread has ended.
  void Stop();

 private:
  void Run();
  bool TakeAll();

  EventQueue& queue_;
  EventTaker& taker_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_EVENT_THREAD_H_
