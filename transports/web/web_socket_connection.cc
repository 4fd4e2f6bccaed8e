// Frames in, frames out, one of each at a time.
#include "transports/web/web_socket_connection.h"

#include <absl/strings/str_cat.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>
#include <variant>

namespace tallybus {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

http::request<http::empty_body> HandshakeOf(const HttpRequest& request) {
  http::request<http::empty_body> handshake(http::verb::get, request.path, 11);
  for (const auto& [name, value] : request.headers) handshake.insert(name, value);
  return handshake;
}

// That wait behind a watch which is answered.
constexpr size_t kMostOrders = 16;

boost::beast::string_view Beast(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

WebSocketConnection::WebSocketConnection(Socket socket, Audience& audience,
                                         const Authorize& authorize,
                                         WatchPermissionsPtr permissions)
    : ClientConnection(Kind::kWebSocket, audience.options().queue, std::move(permissions)),
      stream_(std::move(socket)),
      audience_(audience),
      authorize_(authorize),
      life_(audience.options().times, audience.clock().Now()) {
  audience_.Join(this);
}

WebSocketConnection::~WebSocketConnection() { audience_.Leave(this); }

void WebSocketConnection::Start(const HttpRequest& request, tallybus_v1::Watch watch) {
  if (!watch.keys.empty()) orders_.emplace_back(std::move(watch));
  stream_.auto_fragment(false);
  stream_.read_message_max(0);  // Read counts, so that a token that is too long is told so
  stream_.control_callback([this](websocket::frame_type type, beast::string_view) {
    life_.Heard(audience_.clock().Now());
    // It should end the connection too; where it does not, we do.
    if (type == websocket::frame_type::close) Ended(client_close::kClientLeft);
  });
  const bool offered = !request.Header("sec-websocket-protocol").empty();
  stream_.set_option(
      websocket::stream_base::decorator([offered](websocket::response_type& response) {
        response.erase(http::field::server);
        if (!offered) return;
        response.set(http::field::sec_websocket_protocol, Beast(tallybus_v1::kSubprotocol));
      }));
  stream_.async_accept(
      HandshakeOf(request),
      beast::bind_front_handler(&WebSocketConnection::OnAccepted, shared_from_this()));
}

void WebSocketConnection::OnAccepted(Error error) {
  if (error) return Ended(client_close::kProtocolError);
  if (ended_) return;
  open_ = true;
  TakeOrders();
  Read();
}

void WebSocketConnection::Read() {
  if (ended_) return;
  stream_.async_read_some(
      buffer_, LongestFrame() + 1 - buffer_.size(),
      beast::bind_front_handler(&WebSocketConnection::OnRead, shared_from_this()));
}

// One with a token may be longer.
size_t WebSocketConnection::LongestFrame() const {
  return authorize_ ? tallybus_v1::kMostTokenFrameBytes : tallybus_v1::kMostFrameBytes;
}

void WebSocketConnection::OnRead(Error error, size_t) {
  if (error) return OnReadFailed(error);
  if (ended_) return;
  life_.Heard(audience_.clock().Now());
  if (buffer_.size() > LongestFrame()) {
    return permissions() ? Close(client_close::kFrameTooLarge, client_close::kFrameTooLarge.text)
                         : Close(client_close::kUnauthorized, "the token is too long");
  }
  if (!stream_.is_message_done()) return Read();
  if (!stream_.got_text())
    return Close(client_close::kBinaryFrame, client_close::kBinaryFrame.text);
  OnFrame({static_cast<const char*>(buffer_.data().data()), buffer_.size()});
  buffer_.consume(buffer_.size());
  buffer_.shrink_to_fit();  // most clients speak once
  TakeOrders();
  Write();
  Read();
}

void WebSocketConnection::OnFrame(std::string_view text) {
  absl::StatusOr<tallybus_v1::ClientFrame> frame = tallybus_v1::ReadFrame(text);
  if (!frame.ok()) {
    const absl::string_view what = frame.status().message();
    return Close(client_close::kMalformed, {what.data(), what.size()});
  }
  if (std::holds_alternative<tallybus_v1::Ping>(*frame)) {
    if (++pongs_due_ > kMostOrders)
      Close(client_close::kTooManyOrders, client_close::kTooManyOrders.text);
    return;
  }
  if (!permissions()) {
    auto* first = std::get_if<tallybus_v1::Watch>(&*frame);
    if (first == nullptr || first->token.empty())
      return Close(client_close::kUnauthorized, "the first watch must bring a token");
    if (!TakeToken(std::exchange(first->token, {}))) return;
  }
  if (orders_.size() == kMostOrders)
    return Close(client_close::kTooManyOrders, client_close::kTooManyOrders.text);
  orders_.push_back(*std::move(frame));
}

void WebSocketConnection::TakeOrders() {
  while (!orders_.empty() && !ended_ && permissions() && !Audience::Busy(*this)) {
    tallybus_v1::ClientFrame order = std::move(orders_.front());
    orders_.erase(orders_.begin());
    if (orders_.empty()) orders_.shrink_to_fit();
    if (const auto* unwatch = std::get_if<tallybus_v1::Unwatch>(&order)) {
      audience_.Unwatch(this, unwatch->keys);
    } else {
      OnWatch(std::get<tallybus_v1::Watch>(std::move(order)));
    }
  }
}

// It takes the place of the one before. False: it does not count, and the connection is closed.
bool WebSocketConnection::TakeToken(std::string_view token) {
  absl::StatusOr<WatchPermissionsPtr> permissions = authorize_(token);
  if (permissions.ok()) {
    Permit(*std::move(permissions));
    return true;
  }
  const absl::string_view why = permissions.status().message();
  Close(client_close::kUnauthorized, {why.data(), why.size()});
  return false;
}

void WebSocketConnection::OnWatch(tallybus_v1::Watch watch) {
  if (authorize_ && !watch.token.empty() && !TakeToken(std::exchange(watch.token, {}))) return;
  if (!MayWatch(watch.keys))
    return Close(client_close::kNotAllowed, client_close::kNotAllowed.text);
  life_.Watched();
  if (!audience_.Watch(this, std::move(watch)))
    Close(client_close::kTooManyWatches, client_close::kTooManyWatches.text);
}

// Beast has told the peer already, where it could.
void WebSocketConnection::OnReadFailed(Error error) {
  if (error == websocket::error::closed) return Ended(client_close::kClientLeft);
  const bool broken =
      error.category() == websocket::make_error_code(websocket::error::closed).category();
  Ended(broken ? client_close::kProtocolError : client_close::kLost);
}

void WebSocketConnection::Wake() { Write(); }

void WebSocketConnection::Write() {
  if (writing_ || !open_ || ended_) return;
  if (pongs_due_ > 0) {
    --pongs_due_;
    head_ = tallybus_v1::Pong();
    return WriteOut({}, nullptr);
  }
  std::optional<Outgoing> next = watcher().Next(audience_.ring());
  if (next) {
    head_ = tallybus_v1::Head(next->sequence);
    return WriteOut(next->tail, std::move(next->owner));
  }
  if (last_ && !Audience::Busy(*this))
    return Close(client_close::kGoingAway, client_close::kGoingAway.text);
}

void WebSocketConnection::WriteOut(std::string_view tail, std::shared_ptr<const void> owner) {
  writing_ = true;
  life_.WriteBegan(audience_.clock().Now());
  stream_.text(true);
  const std::array<asio::const_buffer, 2> frame = {asio::buffer(head_),
                                                   asio::buffer(tail.data(), tail.size())};
  stream_.async_write(frame, [self = shared_from_this(), owner = std::move(owner)](
                                 Error error, size_t) { self->OnWritten(error); });
}

void WebSocketConnection::OnWritten(Error error) {
  writing_ = false;
  life_.WriteEnded();
  if (error) return Ended(client_close::kLost);
  audience_.NoteSent(*this);
  Write();
  TakeOrders();
}

void WebSocketConnection::Close(const ClientClose& why, std::string_view text) {
  if (ended_) return;
  Ended(why);
  if (!open_) return Cut();
  const websocket::close_reason reason(static_cast<websocket::close_code>(why.code),
                                       Beast(text.substr(0, 120)));
  stream_.async_close(reason, [self = shared_from_this()](Error) {});
}

void WebSocketConnection::EndAfterAll() {
  last_ = true;
  if (!open_) return Close(client_close::kGoingAway, client_close::kGoingAway.text);
  Write();
}

void WebSocketConnection::Ended(const ClientClose& why) {
  if (std::exchange(ended_, true)) return;
  audience_.NoteClose(why);
  watcher().Drop();
  life_.Closing(audience_.clock().Now());
}

void WebSocketConnection::Cut() {
  Error ignored;
  beast::get_lowest_layer(stream_).close(ignored);
}

void WebSocketConnection::Tick(MonoTime now) {
  if (!ended_ && HasExpired(audience_.clock()))
    return Close(client_close::kExpired, client_close::kExpired.text);
  switch (life_.Check(now)) {
    case ConnectionLife::Due::kNothing:
      return;
    case ConnectionLife::Due::kPing:
      return SendPing();
    case ConnectionLife::Due::kNoWatch:
      return permissions() ? Close(client_close::kNoWatch, client_close::kNoWatch.text)
                           : Close(client_close::kUnauthorized, "no token came in time");
    case ConnectionLife::Due::kSilent:
      return Close(client_close::kSilent, client_close::kSilent.text);
    case ConnectionLife::Due::kNotReading:
      return Close(client_close::kNotReading, client_close::kNotReading.text);
    case ConnectionLife::Due::kCut:
      return Cut();
  }
}

void WebSocketConnection::SendPing() {
  if (pinging_ || !open_) return;
  pinging_ = true;
  stream_.async_ping({}, [self = shared_from_this()](Error) { self->pinging_ = false; });
}

}  // namespace tallybus
