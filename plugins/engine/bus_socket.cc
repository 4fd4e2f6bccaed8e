// ZMQ_ROUTING_ID is never set: of two peers with one id, a ROUTER ignores the second in silence.
#include "bus_socket.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include <cstdlib>
#include <cstring>
#include <new>

#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_release(void* address);  // of sanitizer/tsan_interface.h
#endif

namespace tallybus::engine {
namespace {

constexpr size_t kMostInTransit = size_t{1} << 20;
constexpr int64_t kLargestMessage = int64_t{16} << 20;

// ThreadSanitizer does not see how libzmq hands memory from thread to thread: over inproc the
// router's reads what the sender's wrote. BoundSocket::Receive is the other end.
void NoteHandOver([[maybe_unused]] void* data) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(data);
#endif
}

// Stands before the bytes of an outgoing message.
struct Prefix {
  InTransit in_transit;
  size_t size;
};

void Release(void*, void* hint) {
  auto* prefix = static_cast<Prefix*>(hint);
  prefix->in_transit->fetch_sub(prefix->size, std::memory_order_relaxed);
  prefix->~Prefix();
  std::free(prefix);
}

bool SetInt(void* socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

bool SetText(void* socket, int option, const std::string& text) {
  return zmq_setsockopt(socket, option, text.c_str(), text.size() + 1) == 0;
}

}  // namespace

Outgoing::Outgoing(size_t size, const InTransit& in_transit) {
  void* memory = std::malloc(sizeof(Prefix) + size);
  if (memory == nullptr) throw std::bad_alloc();
  auto* prefix = new (memory) Prefix{in_transit, size};
  in_transit->fetch_add(size, std::memory_order_relaxed);
  if (zmq_msg_init_data(&message_, prefix + 1, size, Release, prefix) != 0) {
    Release(nullptr, prefix);
    throw std::bad_alloc();
  }
}

tallybus_status BusSocket::Open() {
  const EmbeddedRouter* router = settings_.router;
  if (context_ == nullptr) context_ = router != nullptr ? router->zmq_context() : zmq_ctx_new();
  if (context_ == nullptr) return TALLYBUS_UNAVAILABLE;
  const char* endpoint = router != nullptr ? router->endpoint() : settings_.endpoint.c_str();
  void* socket = zmq_socket(context_, ZMQ_DEALER);
  if (socket == nullptr) return TALLYBUS_UNAVAILABLE;
  size_t fd_size = sizeof(fd_);
  if (!Configure(socket) || !SetKeys(socket) || zmq_connect(socket, endpoint) != 0 ||
      zmq_getsockopt(socket, ZMQ_FD, &fd_, &fd_size) != 0) {
    const bool refused = errno == EINVAL || errno == EPROTONOSUPPORT || errno == ENAMETOOLONG;
    zmq_close(socket);
    return refused ? TALLYBUS_INVALID : TALLYBUS_UNAVAILABLE;
  }
  socket_ = socket;
  touched_ = true;
  return TALLYBUS_OK;
}

// IMMEDIATE: nothing is queued for a router that is not there, so none ever finds old messages
// before our HELLO. The byte bound makes the message bounds a second line only.
bool BusSocket::Configure(void* socket) const {
  return SetInt(socket, ZMQ_LINGER, 0) && SetInt(socket, ZMQ_IMMEDIATE, 1) &&
         SetInt(socket, ZMQ_SNDHWM, 64) && SetInt(socket, ZMQ_RCVHWM, 256) &&
         SetInt(socket, ZMQ_RECONNECT_IVL, 100) && SetInt(socket, ZMQ_RECONNECT_IVL_MAX, 1000) &&
         zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &kLargestMessage, sizeof(kLargestMessage)) == 0;
}

bool BusSocket::SetKeys(void* socket) const {
  if (settings_.curve_server_key.empty()) return true;
  return SetText(socket, ZMQ_CURVE_SERVERKEY, settings_.curve_server_key) &&
         SetText(socket, ZMQ_CURVE_PUBLICKEY, settings_.curve_public_key) &&
         SetText(socket, ZMQ_CURVE_SECRETKEY, settings_.curve_secret_key);
}

void BusSocket::Close(int linger_ms) {
  if (has_body_) zmq_msg_close(&body_);
  has_body_ = false;
  touched_ = false;
  if (socket_ == nullptr) return;
  SetInt(socket_, ZMQ_LINGER, linger_ms);
  zmq_close(socket_);
  socket_ = nullptr;
}

void BusSocket::Shut(int linger_ms) {
  Close(linger_ms);
  if (context_ != nullptr && settings_.router == nullptr) {
    while (zmq_ctx_term(context_) != 0 && errno == EINTR) {
    }
  }
  context_ = nullptr;
}

bool BusSocket::HasRoom(size_t size) const {
  const size_t taken = in_transit_->load(std::memory_order_relaxed);
  return taken == 0 || taken + size <= kMostInTransit;
}

bool BusSocket::Send(Kind kind, Outgoing& body) {
  if (socket_ == nullptr) return false;
  touched_ = true;
  NoteHandOver(body.data());
  return zmq_send(socket_, &kind, 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
         zmq_msg_send(body.message(), socket_, ZMQ_DONTWAIT) >= 0;
}

bool BusSocket::Send(Kind kind, std::string_view body) {
  Outgoing outgoing(body.size(), in_transit_);
  std::memcpy(outgoing.data(), body.data(), body.size());
  return Send(kind, outgoing);
}

BusSocket::Received BusSocket::Receive(uint8_t* kind, std::string_view* body) {
  if (socket_ == nullptr) return Received::kNothing;
  if (!has_body_) zmq_msg_init(&body_);
  has_body_ = true;
  touched_ = true;
  if (zmq_msg_recv(&body_, socket_, ZMQ_DONTWAIT) < 0) {
    // It has taken all news in before it gave up: the descriptor will tell of the next.
    touched_ = errno != EAGAIN;
    return Received::kNothing;
  }
  const bool one_byte = zmq_msg_size(&body_) == 1;
  if (one_byte) *kind = *static_cast<const uint8_t*>(zmq_msg_data(&body_));
  if (!one_byte || zmq_msg_more(&body_) == 0) return TakeRest();
  zmq_msg_recv(&body_, socket_, ZMQ_DONTWAIT);  // frames of a message arrive together
  *body = {static_cast<const char*>(zmq_msg_data(&body_)), zmq_msg_size(&body_)};
  return zmq_msg_more(&body_) == 0 ? Received::kMessage : TakeRest();
}

// The frames of a message that is none of ours.
BusSocket::Received BusSocket::TakeRest() {
  while (zmq_msg_more(&body_) != 0 && zmq_msg_recv(&body_, socket_, ZMQ_DONTWAIT) >= 0) {
  }
  return Received::kMalformed;
}

bool BusSocket::IsReady(bool wants_to_send) {
  if (!touched_) return false;
  int events = 0;
  size_t size = sizeof(events);
  if (zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) != 0) return false;
  touched_ = (events & ZMQ_POLLIN) != 0;
  return touched_ || (wants_to_send && (events & ZMQ_POLLOUT) != 0);
}

void BusSocket::Wait(int wake_fd, int64_t timeout_us) {
  if (timeout_us < 0) timeout_us = 0;
  const timespec timeout{static_cast<time_t>(timeout_us / kSecondUs),
                         static_cast<long>(timeout_us % kSecondUs * 1'000)};
  // A negative descriptor is ignored.
  pollfd fds[2] = {{socket_ != nullptr ? fd_ : -1, POLLIN, 0}, {wake_fd, POLLIN, 0}};
  if (ppoll(fds, 2, &timeout, nullptr) > 0 && fds[0].revents != 0) touched_ = true;
}

}  // namespace tallybus::engine
