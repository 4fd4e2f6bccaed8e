// Read a bounded amount from each socket, step, acknowledge, sleep until something is due.
#include "bus_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <zmq.hpp>

namespace tallybus {
namespace {

constexpr absl::Duration kLongestSleep = absl::Seconds(1);
constexpr size_t kFixedItems = 2;

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
  items_.push_back({parts_.wake.fd(), POLLIN, 0});
  items_.push_back({parts_.signal_fd, POLLIN, 0});
  const auto never = [] { return false; };
  AddSource(parts_.engine, never);
  AddSource(parts_.open, [this] { return parts_.open->IsPaused(); });
  AddSource(parts_.clients, never);
}

template <typename Socket>
void BusLoop::AddSource(Socket* socket, std::function<bool()> is_paused) {
  if (socket == nullptr) return;
  items_.push_back({socket->socket().get(zmq::sockopt::fd), POLLIN, 0});
  sources_.push_back({.receive = [socket] { return socket->Receive(); },
                      .has_unannounced = [socket] { return socket->HasUnannounced(); },
                      .is_paused = std::move(is_paused)});
}

void BusLoop::RunWhile(const std::function<bool()>& keep_going) {
  for (Turn(); keep_going(); Turn()) Sleep();
}

void BusLoop::Turn() {
  if (items_[0].revents != 0) parts_.wake.Clear();
  if (items_[1].revents != 0) parts_.on_signal();
  const bool looks_at_all = parts_.clock.Now() - looked_at_all_ >= kLongestSleep;
  if (looks_at_all) looked_at_all_ = parts_.clock.Now();
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    if (looks_at_all || source.wants || items_[i + kFixedItems].revents != 0)
      source.wants = source.receive();
  }
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
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    // What it has not read while it pauses stays announced, or is looked for afterwards.
    const bool paused = source.is_paused();
    items_[i + kFixedItems].events = paused ? 0 : POLLIN;
    source.wants |= paused || source.has_unannounced();
  }
  if (poll(items_.data(), items_.size(), PollTimeoutMs()) >= 0) return;
  for (pollfd& item : items_) item.revents = 0;  // interrupted: the next turn begins anew
}

int BusLoop::PollTimeoutMs() const {
  const auto wants = [](const Source& source) { return source.wants && !source.is_paused(); };
  if (std::any_of(sources_.begin(), sources_.end(), wants)) return 0;
  const absl::Duration wait = due_ ? *due_ - parts_.clock.Now() : kLongestSleep;
  // Rounded up: a poll that ends just before the time would turn for nothing.
  const int64_t ms = absl::ToInt64Milliseconds(
      absl::Ceil(std::clamp(wait, absl::ZeroDuration(), kLongestSleep), absl::Milliseconds(1)));
  return static_cast<int>(ms);
}

}  // namespace tallybus
