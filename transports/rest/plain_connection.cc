// Connect, send, receive; and when a connection may carry another request.
#include "transports/rest/plain_connection.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "transports/rest/curl_option.h"

namespace tallybus::rest {
namespace {

// Something between us and the peer may have forgotten a connection that was quiet for longer.
constexpr absl::Duration kLongestIdle = absl::Minutes(2);

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

PlainConnection::PlainConnection(EndpointPool& pool, const EndpointSettings& settings,
                                 const RouteCounters& counters, SocketWatch& watch)
    : Attempt(pool, settings, counters, watch) {
  if (usable_) CurlOptions(easy_, &usable_).Set(CURLOPT_CONNECT_ONLY, 1L);
}

PlainConnection::~PlainConnection() { Close(); }

Attempt::Way PlainConnection::Begin(const Delivery& delivery, MonoTime now) {
  if (!usable_) return Way::kRefused;
  Prepare(delivery);
  WriteHead(settings_.url, url_, headers_, body_.size(), &head_);
  sent_ = 0;
  reader_.Begin();
  if (socket_ >= 0 && (now - idle_since_ > kLongestIdle || (now == idle_since_ && HasSpoken()))) {
    Close();
  }
  reused_ = socket_ >= 0;
  return reused_ ? Way::kOnSocket : Way::kByLibcurl;
}

// The peer has said something since its last answer: its end, or what nobody asked for. epoll has
// told it to a connection that was idle, but not to one that goes from an answer to the next
// request in one turn.
bool PlainConnection::HasSpoken() const {
  char byte;
  return recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || !WouldBlock();
}

// libcurl closes the connections of a handle that leaves it, so this one is kept by another
// descriptor.
void PlainConnection::CurlEnded(int curl_code) {
  curl_code_ = curl_code;
  if (curl_code != CURLE_OK) return;
  curl_socket_t made = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &made);
  socket_ = fcntl(made, F_DUPFD_CLOEXEC, 0);
  if (socket_ < 0) {
    curl_code_ = CURLE_COULDNT_CONNECT;
    return;
  }
  watch_.Leave(made);
  watch_.Opened(socket_, this);
}

bool PlainConnection::Drive(uint32_t events, MonoTime now) {
  if (!busy()) {  // the peer ends the connection, or says what nobody asked for
    Close();
    return false;
  }
  if (socket_ < 0) return true;  // never connected
  const bool taken = Send();
  watch_.Want(socket_, IsSent() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  const bool readable = (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0;
  bool ended = (readable || !taken) && Receive(taken);
  // A peer may answer before it has read all, and then reset the connection: that answer is all
  // here, and nothing more will come.
  while (!taken && !ended) ended = Receive(taken);
  if (ended) idle_since_ = now;
  return ended;
}

bool PlainConnection::Send() {
  while (!IsSent()) {
    std::array<iovec, 2> parts;
    size_t count = 0;
    if (sent_ < head_.size()) parts[count++] = {head_.data() + sent_, head_.size() - sent_};
    const size_t of_body = sent_ - std::min(sent_, head_.size());
    if (of_body < body_.size()) {
      parts[count++] = {const_cast<char*>(body_.data()) + of_body, body_.size() - of_body};
    }
    msghdr message = {};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t n = sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return WouldBlock();
    sending_ = true;
    sent_ += static_cast<size_t>(n);
  }
  return true;
}

bool PlainConnection::Receive(bool may_wait) {
  std::array<char, 16384> buffer;
  const ssize_t n = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0) return may_wait && WouldBlock() ? false : Fail();
  using State = AnswerReader::State;
  switch (n == 0 ? reader_.TakeEnd() : reader_.Take({buffer.data(), static_cast<size_t>(n)})) {
    case State::kUnderWay:
      return false;
    case State::kBad:
      return Fail();
    case State::kCut:
    case State::kWhole:
      break;
  }
  code_ = reader_.code();
  if (answer_.is_cut() || !reader_.keeps_connection() || !IsSent()) Close();
  return true;
}

bool PlainConnection::Fail() {
  went_dead_ = reused_ && !reader_.has_begun();
  curl_code_ = CURLE_RECV_ERROR;
  Close();
  return true;
}

void PlainConnection::Drop() { Close(); }

void PlainConnection::Close() {
  if (socket_ < 0) return;
  watch_.Closing(socket_);
  close(socket_);
  socket_ = -1;
}

}  // namespace tallybus::rest
