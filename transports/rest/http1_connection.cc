// Connect, send, receive; and when a connection may carry another request.
#include "transports/rest/http1_connection.h"

#include <absl/time/time.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "transports/rest/curl_option.h"
#include "transports/rest/endpoint_pool.h"

namespace tallybus::rest {
namespace {

// Something between us and the peer may have forgotten a connection that was quiet for longer.
constexpr absl::Duration kLongestIdle = absl::Minutes(2);

std::string_view Behind(std::string_view text, size_t bytes) {
  return text.substr(std::min(bytes, text.size()));
}

}  // namespace

Http1Connection::Http1Connection(EndpointPool& pool, const EndpointSettings& settings,
                                 const RouteCounters& counters, SocketWatch& watch, void* multi)
    : Attempt(pool, settings, counters, watch, multi),
      channel_(easy_, multi, watch, settings.url.IsTls()) {
  if (!usable_) return;
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_CONNECT_ONLY, 1L);
  options.Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // by ALPN
}

Attempt::Way Http1Connection::Begin(const Delivery& delivery, MonoTime now) {
  if (!usable_) return Way::kRefused;
  Prepare(delivery);
  WriteHead(settings_.url, request_.url, request_.headers, request_.body.size(), &head_);
  if (channel_.is_tls() && head_.size() + request_.body.size() <= Channel::kBuffer) {
    head_.append(request_.body);  // one record instead of two
    request_.body = {};
  }
  sent_ = 0;
  is_answered_ = false;
  reader_.Begin();
  // epoll has told of its end to a connection that was idle, but not to one that goes from an
  // answer to the next request in one turn.
  if (channel_.is_open() &&
      (now - idle_since_ > kLongestIdle || (now == idle_since_ && channel_.HasSpoken()))) {
    channel_.Close();
  }
  reused_ = channel_.is_open();
  return reused_ ? Way::kOnSocket : Way::kByLibcurl;
}

void Http1Connection::CurlEnded(int curl_code) {
  curl_code_ = curl_code;
  if (curl_code == CURLE_OK && channel_.Open(this)) return;
  if (curl_code == CURLE_OK) curl_code_ = CURLE_COULDNT_CONNECT;  // and lost again
  LeaveCurl();
  if (curl_code == CURLE_SSL_CONNECT_ERROR) pool_.ForgetHttp1();
}

bool Http1Connection::Drive(uint32_t events, MonoTime now) {
  if (!busy()) {  // the peer ends the connection, or says what nobody asked for
    std::array<char, Channel::kBuffer> buffer;
    if (channel_.Receive(buffer) != Channel::kNotNow) channel_.Close();
    return false;
  }
  if (!channel_.is_open()) return true;  // never connected
  const bool taken = Send();
  // After its answer the peer may close its side, and has nothing more to say.
  channel_.Want(IsSent() ? EPOLLIN : is_answered_ ? EPOLLOUT : EPOLLIN | EPOLLOUT);
  const bool readable = (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0;
  bool ended = is_answered_ ? (IsSent() && Answered()) || (!taken && Fail(CURLE_SEND_ERROR))
                            : (readable || !taken) && Receive(taken);
  // A peer may answer before it has read all, and then reset the connection: that answer is all
  // here, and nothing more will come.
  while (!taken && !ended) ended = Receive(taken);
  if (ended) idle_since_ = now;
  return ended;
}

bool Http1Connection::Send() {
  while (!IsSent()) {
    const size_t of_body = sent_ - std::min(sent_, head_.size());
    const ssize_t n = channel_.Send(Behind(head_, sent_), Behind(request_.body, of_body));
    if (n == Channel::kBroken) return false;
    sending_ = true;  // also where TLS has taken a part that it does not tell
    if (n == Channel::kNotNow) return true;
    sent_ += static_cast<size_t>(n);
  }
  return true;
}

bool Http1Connection::Receive(bool may_wait) {
  std::array<char, Channel::kBuffer> buffer;
  const ssize_t n = channel_.Receive(buffer);
  if (n < 0) return may_wait && n == Channel::kNotNow ? false : Fail(CURLE_RECV_ERROR);
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

bool Http1Connection::Answered() {
  code_ = reader_.code();
  if (answer_.is_cut() || is_answered_ || !reader_.keeps_connection() || !IsSent()) {
    channel_.Close();
  }
  return true;
}

bool Http1Connection::Fail(int curl_code) {
  went_dead_ = reused_ && !reader_.has_begun();
  curl_code_ = curl_code;
  channel_.Close();
  return true;
}

bool Http1Connection::CloseIfIdle(MonoTime now) {
  if (!busy() && now - idle_since_ > kLongestIdle) channel_.Close();
  return channel_.is_open();
}

}  // namespace tallybus::rest
