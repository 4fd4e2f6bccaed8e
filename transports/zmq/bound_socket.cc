// Binding, with every way that it fails told in words.
#include "transports/zmq/bound_socket.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);  // of sanitizer/tsan_interface.h
#endif

namespace tallybus::zmq_transport {
namespace {

constexpr absl::string_view kIpc = "ipc://";
constexpr absl::string_view kInproc = "inproc://";

bool IsLoopback(const std::string& endpoint) {
  return absl::StartsWith(endpoint, "tcp://127.") || absl::StartsWith(endpoint, "tcp://[::1]:");
}

// libzmq takes a port modulo 65536.
bool IsPort(absl::string_view port) {
  uint32_t number = 0;
  return port == "*" || (absl::SimpleAtoi(port, &number) && number <= 65535);
}

absl::Status CheckEndpoint(std::string_view key, const std::string& endpoint) {
  if (absl::StartsWith(endpoint, kIpc) || absl::StartsWith(endpoint, kInproc)) {
    return absl::OkStatus();
  }
  if (IsLoopback(endpoint)) {
    if (IsPort(endpoint.substr(endpoint.rfind(':') + 1))) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(key), ": \"", endpoint, "\" has no port from 0 to 65535"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(key), ": \"", endpoint,
      "\" is neither ipc:// nor on loopback; beyond loopback is not in this version yet, bind "
      "tcp://127.0.0.1:PORT"));
}

// Held as long as the socket lives; the file itself stays, since removing it would race.
absl::StatusOr<int> Lock(std::string_view key, const std::string& endpoint) {
  const std::string path = absl::StrCat(endpoint.substr(kIpc.size()), ".lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat(std::string(key), ": cannot create ", path, ": ", strerror(errno)));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return absl::AlreadyExistsError(absl::StrCat(std::string(key), ": another tallybusd listens on ",
                                               endpoint, "; stop it, or give this one another ",
                                               std::string(key)));
}

// libzmq takes port 0 as well as *; the others know only *.
std::string WithAnyPort(const std::string& endpoint) {
  if (!absl::EndsWith(endpoint, ":0")) return endpoint;
  return absl::StrCat(endpoint.substr(0, endpoint.size() - 1), "*");
}

std::string BindError(std::string_view key, const std::string& endpoint, int error) {
  const std::string head = absl::StrCat(std::string(key), ": ", endpoint, ": ");
  if (error == EADDRINUSE) {
    return absl::StrCat(head, "the address is in use; stop the program that has it, or set ",
                        std::string(key), " to another");
  }
  return absl::StrCat(head, zmq_strerror(error));
}

// ThreadSanitizer does not see how libzmq hands memory from thread to thread: over inproc this one
// reads what an engine's wrote.
void NoteTakeOver([[maybe_unused]] zmq::message_t& frame) {
#ifdef __SANITIZE_THREAD__
  __tsan_acquire(frame.data());
#endif
}

// cppzmq throws for what is no message, such as an interruption: then there may be one all the
// same.
bool TryReceive(zmq::socket_t& socket, zmq::message_t* frame, bool* interrupted) {
  try {
    return socket.recv(*frame, zmq::recv_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {
    *interrupted = true;
    return false;
  }
}

}  // namespace

absl::StatusOr<BoundSocket> BoundSocket::Bind(zmq::context_t& context, zmq::socket_type type,
                                              std::string_view key, const std::string& endpoint) {
  absl::Status checked = CheckEndpoint(key, endpoint);
  if (!checked.ok()) return checked;
  BoundSocket bound;
  if (absl::StartsWith(endpoint, kIpc)) {
    struct stat there;
    if (lstat(endpoint.c_str() + kIpc.size(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
      return absl::AlreadyExistsError(
          absl::StrCat(std::string(key), ": ", endpoint, ": a file that is no socket is there"));
    }
    absl::StatusOr<int> fd = Lock(key, endpoint);
    if (!fd.ok()) return fd.status();
    bound.lock_fd_ = *fd;
  }
  try {
    bound.socket_ = zmq::socket_t(context, type);
    bound.socket_.set(zmq::sockopt::linger, 0);
    bound.socket_.set(zmq::sockopt::maxmsgsize, kMaxMessageBytes);
    bound.socket_.set(zmq::sockopt::ipv6, absl::StartsWith(endpoint, "tcp://["));
    bound.socket_.bind(WithAnyPort(endpoint));
    bound.endpoint_ = bound.socket_.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    return absl::UnavailableError(BindError(key, endpoint, error.num()));
  }
  return bound;
}

absl::Status BoundSocket::BindInside(const std::string& endpoint) {
  try {
    socket_.bind(endpoint);
    return absl::OkStatus();
  } catch (const zmq::error_t& error) {
    return absl::UnavailableError(absl::StrCat(endpoint, ": ", zmq_strerror(error.num())));
  }
}

BoundSocket::~BoundSocket() {
  socket_.close();
  if (lock_fd_ >= 0) close(lock_fd_);
}

BoundSocket::BoundSocket(BoundSocket&& other) noexcept
    : socket_(std::move(other.socket_)),
      endpoint_(std::move(other.endpoint_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

bool BoundSocket::HasUnannounced() {
  if (!was_used_) return false;
  try {
    const bool has = (socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
    was_used_ = false;
    return has;
  } catch (const zmq::error_t&) {  // interrupted: asked again
    return true;
  }
}

bool BoundSocket::Receive(size_t max_frames, std::vector<zmq::message_t>* frames) {
  frames->clear();
  bool more = true;
  while (more) {
    zmq::message_t frame;
    // After the first frame the rest of its message is there: libzmq hands over whole messages.
    if (!TryReceive(socket_, &frame, &was_used_)) return false;
    NoteTakeOver(frame);
    more = frame.more();
    // One frame more than allowed is kept, so that the number tells; its bytes are not.
    if (frames->size() <= max_frames) frames->push_back(std::move(frame));
  }
  return true;
}

}  // namespace tallybus::zmq_transport
