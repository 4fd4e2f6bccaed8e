// System calls without TLS, libcurl's send and receive with it.
#include "transports/rest/channel.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tallybus::rest {
namespace {

// Nothing is wrong with the connection: also where the system is short of memory.
bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS ||
         errno == ENOMEM;
}

ssize_t Outcome(ssize_t n) {
  if (n >= 0) return n;
  return WouldBlock() ? Channel::kNotNow : Channel::kBroken;
}

ssize_t Outcome(CURLcode code, size_t n) {
  if (code == CURLE_OK) return static_cast<ssize_t>(n);
  return code == CURLE_AGAIN ? Channel::kNotNow : Channel::kBroken;
}

}  // namespace

bool Channel::Open(Attempt* owner) {
  curl_socket_t made = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &made);
  if (made == CURL_SOCKET_BAD) return false;
  watch_.Leave(made);
  if (is_tls_) {
    socket_ = made;
  } else {
    // libcurl closes the connection of a handle that leaves it, so this one is kept by another
    // descriptor, and libcurl has nothing more to do with it.
    socket_ = fcntl(made, F_DUPFD_CLOEXEC, 0);
    curl_multi_remove_handle(multi_, easy_);
    if (socket_ < 0) return false;
  }
  watch_.Opened(socket_, owner);
  return true;
}

ssize_t Channel::Send(std::string_view first, std::string_view second) {
  if (is_tls_) {
    const std::string_view part = first.empty() ? second : first;
    size_t n = 0;
    const CURLcode code = curl_easy_send(easy_, part.data(), part.size(), &n);
    return Outcome(code, n);
  }
  std::array<iovec, 2> parts;
  size_t count = 0;
  for (std::string_view part : {first, second}) {
    if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  return Outcome(sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

ssize_t Channel::Receive(std::span<char> buffer) {
  if (!is_tls_) return Outcome(recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT));
  size_t n = 0;
  const CURLcode code = curl_easy_recv(easy_, buffer.data(), buffer.size(), &n);
  return Outcome(code, n);
}

bool Channel::HasSpoken() const {
  char byte;
  return recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || !WouldBlock();
}

void Channel::Close() {
  if (socket_ < 0) return;
  if (is_tls_) {
    curl_multi_remove_handle(multi_, easy_);  // says goodbye and closes
  } else {
    watch_.Closing(socket_);
    close(socket_);
  }
  socket_ = -1;
}

}  // namespace tallybus::rest
