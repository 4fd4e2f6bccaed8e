// Written as the HTML standard has it: id, event, data, an empty line.
#include "transports/web/event_stream_connection.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <utility>

namespace tallybus {
namespace {

namespace asio = boost::asio;

constexpr char kHeader[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Accel-Buffering: no\r\n"
    "Connection: close\r\n";

// Silence means nothing here, the peer never speaks; nor does it matter when it watched.
ConnectionLife::Times TimesOf(const ConnectionLife::Times& times) {
  ConnectionLife::Times own = times;
  own.ping_every = std::min(times.ping_every, EventStreamConnection::kCommentEvery);
  own.silence = absl::InfiniteDuration();
  return own;
}

}  // namespace

EventStreamConnection::EventStreamConnection(WebStream stream, Audience& audience,
                                             WatchPermissionsPtr permissions)
    : ClientConnection(Kind::kEventStream, audience.options().queue, std::move(permissions)),
      stream_(std::move(stream)),
      audience_(audience),
      times_(TimesOf(audience.options().times)),
      life_(times_, audience.clock().Now()) {
  audience_.Join(this);
}

EventStreamConnection::~EventStreamConnection() { audience_.Leave(this); }

void EventStreamConnection::Start(std::string_view origin, tallybus_v1::Watch watch) {
  if (ended_) return;
  head_ = kHeader;
  if (!origin.empty()) {
    absl::StrAppend(&head_, "Access-Control-Allow-Origin: ", std::string(origin),
                    "\r\nVary: Origin\r\n");
  }
  head_ += "\r\n";
  life_.Watched();
  (void)audience_.Watch(this, std::move(watch));  // one of each at most
  started_ = true;
  WriteOut({}, {}, nullptr);
  if (!reading_) Read();
}

void EventStreamConnection::Await(std::shared_ptr<void> question) {
  question_ = std::move(question);
  reading_ = true;
  Read();
}

void EventStreamConnection::Decline(const HttpAnswer& answer) {
  if (ended_) return;
  const bool later = answer.status == 503;
  head_ = absl::StrCat("HTTP/1.1 ", answer.status, later ? " Service Unavailable" : " Unauthorized",
                       "\r\nConnection: close\r\n", "Content-Length: ", answer.body.size(), "\r\n");
  for (const auto& [name, value] : answer.headers) {
    absl::StrAppend(&head_, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&head_, "\r\n", answer.body);
  asio::async_write(
      stream_, asio::buffer(head_), [self = shared_from_this(), later](Error, size_t) {
        self->Close(later ? client_close::kTryLater : client_close::kUnauthorized, {});
      });
}

// What the peer says is nothing; that it goes is seen here.
void EventStreamConnection::Read() {
  if (ended_) return;
  stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](Error error,
                                                                                size_t) {
    if (!error) return self->Read();
    self->Close(error == asio::error::eof ? client_close::kClientLeft : client_close::kLost, {});
  });
}

void EventStreamConnection::Wake() { Write(); }

void EventStreamConnection::Write() {
  if (writing_ || ended_ || !started_) return;
  std::optional<Outgoing> next = watcher().Next(audience_.ring());
  if (next) {
    head_.clear();
    if (!next->id.empty()) absl::StrAppend(&head_, "id: ", std::string(next->id), "\n");
    absl::StrAppend(&head_, "event: ", std::string(next->name),
                    "\ndata: ", tallybus_v1::Head(next->sequence));
    return WriteOut(next->tail, "\n\n", std::move(next->owner));
  }
  if (last_ && !Audience::Busy(*this)) return Close(client_close::kGoingAway, {});
  if (!std::exchange(comment_due_, false)) return;
  head_ = ": ping\n\n";
  WriteOut({}, {}, nullptr);
}

void EventStreamConnection::WriteOut(std::string_view tail, std::string_view end,
                                     std::shared_ptr<const void> owner) {
  writing_ = true;
  life_.WriteBegan(audience_.clock().Now());
  const std::array<asio::const_buffer, 3> message = {asio::buffer(head_),
                                                     asio::buffer(tail.data(), tail.size()),
                                                     asio::buffer(end.data(), end.size())};
  const bool counts = !tail.empty();
  asio::async_write(
      stream_, message,
      [self = shared_from_this(), owner = std::move(owner), counts](Error error, size_t) {
        if (!error && counts) self->audience_.NoteSent(*self);
        self->OnWritten(error);
      });
}

void EventStreamConnection::OnWritten(Error error) {
  writing_ = false;
  life_.WriteEnded();
  if (error) return Close(client_close::kLost, {});
  Write();
}

void EventStreamConnection::Close(const ClientClose& why, std::string_view) {
  if (std::exchange(ended_, true)) return;
  audience_.NoteClose(why);
  watcher().Drop();
  Error ignored;
  stream_.EndSending();
  stream_.socket().close(ignored);
}

void EventStreamConnection::EndAfterAll() {
  last_ = true;
  if (!started_) return Close(client_close::kGoingAway, {});
  Write();
}

void EventStreamConnection::Tick(MonoTime now) {
  if (HasExpired(audience_.clock())) return Close(client_close::kExpired, {});
  const ConnectionLife::Due due = life_.Check(now);
  if (due == ConnectionLife::Due::kNotReading) return Close(client_close::kNotReading, {});
  if (due != ConnectionLife::Due::kPing || ended_) return;
  comment_due_ = true;
  Write();
}

}  // namespace tallybus
