// The life of one HTTP connection.
#include "transports/web/http_connection.h"

#include <absl/time/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "transports/web/taken_socket.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// After a refusal the peer may still be sending; closing under it would destroy the answer by RST.
constexpr std::chrono::seconds kLinger{2};
// What a read takes at once; the parser copies bodies out of it.
constexpr size_t kReadBytes = 64 << 10;

HttpRequest ToRequest(http::request<http::string_body> message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

bool HasNoBody(int status) { return status == 204 || status == 304; }

bool IsParseError(const beast::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

}  // namespace

HttpConnection::HttpConnection(Socket socket, const HttpServer::Options& options,
                               std::shared_ptr<ServerThread> thread, std::function<void()> closed)
    : stream_(std::move(socket)),
      options_(options),
      thread_(std::move(thread)),
      closed_(std::move(closed)),
      answer_timer_(stream_.get_executor()),
      buffer_(options.header_bytes + kReadBytes) {}

HttpConnection::~HttpConnection() { closed_(); }

void HttpConnection::Read() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(options_.header_bytes));
  parser_->body_limit(options_.body_bytes);
  stream_.expires_after(absl::ToChronoMilliseconds(options_.idle_timeout));
  http::async_read(stream_, buffer_, *parser_,
                   beast::bind_front_handler(&HttpConnection::OnRead, shared_from_this()));
}

void HttpConnection::OnRead(Error error, size_t) {
  if (error) return OnReadFailed(error);
  keep_alive_ = parser_->keep_alive();
  const HttpRequest request = ToRequest(parser_->release());
  if (options_.async_handler) return AwaitAnswer(request);
  Carry(options_.handler(request));
}

void HttpConnection::AwaitAnswer(const HttpRequest& request) {
  const uint64_t number = ++requests_;
  answer_pending_ = true;
  answer_timer_.expires_after(absl::ToChronoMilliseconds(options_.answer_timeout));
  answer_timer_.async_wait([self = shared_from_this(), number](Error error) {
    if (!error) self->OnAnswerLate(number);
  });
  options_.async_handler(request, AnswerOnce(thread_, [weak = weak_from_this(),
                                                       number](std::optional<HttpAnswer> answer) {
                           if (const auto self = weak.lock())
                             self->OnAnswer(number, std::move(answer));
                         }));
}

void HttpConnection::OnAnswer(uint64_t request, std::optional<HttpAnswer> answer) {
  if (!answer_pending_ || request != requests_) return;  // it was late, and is told so
  answer_pending_ = false;
  answer_timer_.cancel();
  if (answer) return Carry(*std::move(answer));
  Fail(503, "answer_lost", "who was to answer went away without an answer; try again\n");
}

void HttpConnection::OnAnswerLate(uint64_t request) {
  if (!answer_pending_ || request != requests_) return;
  answer_pending_ = false;
  Fail(504, "answer_late", "no answer came in time: who is to answer is busy or stuck\n");
}

void HttpConnection::Fail(int status, std::string_view reason, std::string_view sentence) {
  options_.refused(reason);
  HttpAnswer answer;
  answer.status = status;
  answer.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  answer.body = sentence;
  Carry(std::move(answer));
}

void HttpConnection::OnReadFailed(Error error) {
  if (error == http::error::end_of_stream) return FinishSending();
  if (error == http::error::header_limit) return Refuse(options_.headers_too_long, "headers");
  if (error == http::error::body_limit) return Refuse({.status = 413}, "body");
  if (error == beast::error::timeout) {
    // A connection that is idle between requests ends without a word.
    if (parser_->got_some() || buffer_.size() > 0) options_.refused("timeout");
    return;
  }
  if (error != http::error::partial_message && IsParseError(error)) {
    Refuse({.status = 400}, "malformed");
  }
}

void HttpConnection::Refuse(HttpAnswer answer, std::string_view reason) {
  options_.refused(reason);
  Write(std::move(answer), /*keep_alive=*/false);
}

void HttpConnection::Carry(HttpAnswer answer) {
  switch (answer.fate) {
    case HttpAnswer::Fate::kAnswer:
      return Write(std::move(answer), keep_alive_);
    case HttpAnswer::Fate::kSilence:
      sent_ = std::move(answer.sent);
      Done();
      stream_.expires_never();
      return Discard();
    case HttpAnswer::Fate::kReset:
      sent_ = std::move(answer.sent);
      Reset();
      return Done();
    case HttpAnswer::Fate::kHandOver:
      return HandOver(std::move(answer));
  }
}

// The other protocol begins with our answer: who sends more before it does not speak it.
void HttpConnection::HandOver(HttpAnswer answer) {
  if (buffer_.size() > 0) return Refuse({.status = 400}, "malformed");
  stream_.expires_never();
  answer.hand_over({stream_.release_socket(), thread_});
}

void HttpConnection::Write(HttpAnswer answer, bool keep_alive) {
  sent_ = std::move(answer.sent);
  response_ = {};
  response_.result(static_cast<unsigned>(answer.status));
  for (const auto& [name, value] : answer.headers) response_.insert(name, value);
  response_.keep_alive(keep_alive);
  if (!HasNoBody(answer.status)) {
    response_.body() = std::move(answer.body);
    response_.content_length(response_.body().size());
  }
  stream_.expires_after(absl::ToChronoMilliseconds(options_.idle_timeout));
  http::async_write(stream_, response_,
                    beast::bind_front_handler(&HttpConnection::OnWritten, shared_from_this()));
}

void HttpConnection::OnWritten(Error error, size_t) {
  Done();
  if (error) return;
  if (response_.need_eof()) return FinishSending();
  Read();
}

void HttpConnection::Reset() {
  Error ignored;
  stream_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  stream_.socket().close(ignored);
}

void HttpConnection::FinishSending() {
  Error ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  stream_.expires_after(kLinger);
  Discard();
}

void HttpConnection::Discard() {
  stream_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](Error error, size_t) {
                            if (!error) self->Discard();
                          });
}

void HttpConnection::Done() {
  const auto sent = std::exchange(sent_, nullptr);
  if (sent) sent();
}

}  // namespace tallybus
