// Connect, send, receive; and when a connection may carry another request.
#include "transports/rest/plain_connection.h"

#include <absl/time/time.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "transports/rest/curl_option.h"

namespace tallybus::rest {
namespace {

// Something between us and the peer may have forgotten a connection that was quiet for longer.
constexpr absl::Duration kLongestIdle = absl::Minutes(2);

// Nothing is wrong with the connection: also where the system is short of memory.
bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS ||
         errno == ENOMEM;
}

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
  is_answered_ = false;
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
  // After its answer the peer may close its side, and has nothing more to say.
  watch_.Want(socket_, IsSent() ? EPOLLIN : is_answered_ ? EPOLLOUT : EPOLLIN | EPOLLOUT);
  const bool readable = (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0;
  bool ended = is_answered_ ? (IsSent() && Answered()) || (!taken && Fail(CURLE_SEND_ERROR))
                            : (readable || !taken) && Receive(taken);
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
  if (n < 0) return may_wait && WouldBlock() ? false : Fail(CURLE_RECV_ERROR);
  using State = AnswerReader::State;
  switch (n == 0 ? reader_.TakeEnd() : reader_.Take({buffer.data(), static_cast<size_t>(n)})) {
    case State::kUnderWay:
      return false;
    case State::kBad:
      if (n > 0) return Fail(CURLE_WEIRD_SERVER_REPLY);
      return Fail(reader_.has_begun() ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING);
    case State::kCut:
    case State::kWhole:
      break;
  }
  // Some take a request by its head and read the rest afterwards: it has not arrived before it is
  // sent. A refusal needs no more of it.
  is_answered_ = reader_.code() < 300 && !IsSent();
  if (!is_answered_) return Answered();
  return may_wait && !answer_.is_cut() ? false : Fail(CURLE_SEND_ERROR);
}

bool PlainConnection::Answered() {
  code_ = reader_.code();
  if (answer_.is_cut() || is_answered_ || !reader_.keeps_connection() || !IsSent()) Close();
  return true;
}

bool PlainConnection::Fail(int curl_code) {
  went_dead_ = reused_ && !reader_.has_begun();
  curl_code_ = curl_code;
  Close();
  return true;
}

bool PlainConnection::CloseIfIdle(MonoTime now) {
  if (!busy() && now - idle_since_ > kLongestIdle) Close();
  return socket_ >= 0;
}

void PlainConnection::Drop() { Close(); }

void PlainConnection::Close() {
  if (socket_ < 0) return;
  watch_.Closing(socket_);
  close(socket_);
  socket_ = -1;
}

}  // namespace tallybus::rest
