// Read a bounded amount from each socket, step, acknowledge, sleep until something is due.
#include "bus_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tallybus {
namespace {

constexpr absl::Duration kLongestSleep = absl::Seconds(1);

}  // namespace

WakeUp::WakeUp() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
WakeUp::~WakeUp() { close(fd_); }

void WakeUp::Ring() {
  const uint64_t one = 1;
  // It fails only where the counter is full, and then the loop is awake.
  (void)!write(fd_, &one, sizeof one);
}

void WakeUp::Clear() {
  uint64_t rings;
  (void)!read(fd_, &rings, sizeof rings);
}

BusLoop::BusLoop(Parts parts) : parts_(std::move(parts)) {
  items_.push_back({nullptr, parts_.wake.fd(), ZMQ_POLLIN, 0});
  items_.push_back({nullptr, parts_.signal_fd, ZMQ_POLLIN, 0});
  if (parts_.engine) items_.push_back({parts_.engine->socket().handle(), 0, ZMQ_POLLIN, 0});
  if (parts_.open) open_item_ = items_.size();
  if (parts_.open) items_.push_back({parts_.open->socket().handle(), 0, ZMQ_POLLIN, 0});
  if (parts_.clients) items_.push_back({parts_.clients->socket().handle(), 0, ZMQ_POLLIN, 0});
}

void BusLoop::RunWhile(const std::function<bool()>& keep_going) {
  for (Turn(); keep_going(); Turn()) Sleep();
}

void BusLoop::Turn() {
  if (items_[0].revents != 0) parts_.wake.Clear();
  if (items_[1].revents != 0) parts_.on_signal();
  more_ = false;
  if (parts_.engine) more_ |= parts_.engine->Receive();
  if (parts_.open) more_ |= parts_.open->Receive();
  if (parts_.clients) more_ |= parts_.clients->Receive();
  due_ = parts_.router.Step();
  if (parts_.engine) {
    parts_.engine->Acknowledge();
    const MonoTime tick = parts_.engine->Tick();
    if (!due_ || tick < *due_) due_ = tick;
  }
  if (parts_.open) {
    const MonoTime tick = parts_.open->Tick();
    if (!due_ || tick < *due_) due_ = tick;
  }
  parts_.on_turn();
}

void BusLoop::Sleep() {
  if (open_item_ != 0) items_[open_item_].events = parts_.open->IsPaused() ? 0 : ZMQ_POLLIN;
  try {
    zmq::poll(items_, std::chrono::milliseconds(PollTimeoutMs()));
  } catch (const zmq::error_t&) {  // interrupted: the next turn looks at everything
  }
}

long BusLoop::PollTimeoutMs() const {
  if (more_) return 0;
  const absl::Duration wait = due_ ? *due_ - parts_.clock.Now() : kLongestSleep;
  // Rounded up: a poll that ends just before the time would turn for nothing.
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(std::clamp(wait, absl::ZeroDuration(), kLongestSleep), absl::Milliseconds(1)));
  return static_cast<long>(ms);
}

}  // namespace tallybus
