// Frames in, frames out, one of each at a time.
#include "transports/web/web_socket_connection.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "transports/web/tallybus_v1_client.h"
#include "transports/web/wcs_dialect.h"

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
// Answers that the client has not read.
constexpr size_t kMostSaid = 16;

// What a close frame has room for, up to the end of a character.
std::string_view Shortened(std::string_view text) {
  size_t size = std::min<size_t>(text.size(), 120);
  while (size > 0 && size < text.size() && (text[size] & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

boost::beast::string_view Beast(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

WebSocketConnection::WebSocketConnection(WebStream stream, Audience& audience,
                                         WatchPermissionsPtr permissions)
    : ClientConnection(Kind::kWebSocket, audience.options().queue, std::move(permissions)),
      stream_(std::move(stream)),
      audience_(audience),
      dialect_(std::make_unique<TallybusV1Client>(*this)),
      life_(audience.options().times, audience.clock().Now()) {
  audience_.Join(this);
}

WebSocketConnection::~WebSocketConnection() { audience_.Leave(this); }

void WebSocketConnection::Speak(const MakeDialect& make) { dialect_ = make(*this); }

void WebSocketConnection::Start(const HttpRequest& request, tallybus_v1::Watch watch) {
  watch.token.clear();
  if (!watch.keys.empty()) orders_.push_back({std::move(watch), nullptr});
  stream_.auto_fragment(false);
  stream_.read_message_max(0);  // Read counts, so that a token that is too long is told so
  stream_.control_callback([this](websocket::frame_type type, beast::string_view) {
    life_.Heard(audience_.clock().Now());
    // It should end the connection too; where it does not, we do.
    if (type == websocket::frame_type::close) Ended(client_close::kClientLeft);
  });
  const bool offered = !request.Header("sec-websocket-protocol").empty();
  stream_.set_option(
      websocket::stream_base::decorator([this, offered](websocket::response_type& response) {
        response.erase(http::field::server);
        if (!offered) return;
        response.set(http::field::sec_websocket_protocol, Beast(dialect_->subprotocol()));
      }));
  stream_.async_accept(
      HandshakeOf(request),
      beast::bind_front_handler(&WebSocketConnection::OnAccepted, shared_from_this()));
}

void WebSocketConnection::OnAccepted(Error error) {
  if (error) return Ended(client_close::kProtocolError);
  if (ended_) return;
  open_ = true;
  dialect_->Opened();
  TakeOrders();
  Read();
}

void WebSocketConnection::Read() {
  if (ended_) return;
  stream_.async_read_some(
      buffer_, dialect_->most_frame_bytes() + 1 - buffer_.size(),
      beast::bind_front_handler(&WebSocketConnection::OnRead, shared_from_this()));
}

void WebSocketConnection::OnRead(Error error, size_t) {
  if (error) return OnReadFailed(error);
  if (ended_) return;
  life_.Heard(audience_.clock().Now());
  if (buffer_.size() > dialect_->most_frame_bytes()) {
    const bool token = !permissions() && dialect_->subprotocol() == tallybus_v1::kSubprotocol;
    return token ? Close(client_close::kUnauthorized, "the token is too long")
                 : Close(client_close::kFrameTooLarge, client_close::kFrameTooLarge.text);
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
  if (farewell_) return;
  if (const MakeDialect wcs = std::exchange(wcs_, nullptr); wcs && wcs::IsConnection(text)) {
    Speak(wcs);
  }
  dialect_->Hear(text);
}

void WebSocketConnection::Say(std::string frame) {
  if (ended_ || farewell_) return;
  if (said_.size() == kMostSaid)
    return Close(client_close::kTooManyOrders, client_close::kTooManyOrders.text);
  said_.push_back(std::move(frame));
  Write();
}

// What waits was asked for under what was granted then, and is told under it.
void WebSocketConnection::Permit(WatchPermissionsPtr granted) {
  if (permissions()) {
    newer_ = std::move(granted);
  } else {
    SetPermissions(std::move(granted));
  }
}

void WebSocketConnection::Order(tallybus_v1::ClientFrame order) {
  if (ended_ || farewell_) return;
  if (orders_.size() == kMostOrders)
    return Close(client_close::kTooManyOrders, client_close::kTooManyOrders.text);
  orders_.push_back({std::move(order), std::exchange(newer_, nullptr)});
  TakeOrders();
}

void WebSocketConnection::TakeOrders() {
  while (!orders_.empty() && !ended_ && permissions() && !Audience::Busy(*this)) {
    auto [order, newer] = std::move(orders_.front());
    orders_.erase(orders_.begin());
    if (orders_.empty()) orders_.shrink_to_fit();
    if (const auto* unwatch = std::get_if<tallybus_v1::Unwatch>(&order)) {
      audience_.Unwatch(this, unwatch->keys);
    } else {
      OnWatch(std::get<tallybus_v1::Watch>(std::move(order)), std::move(newer));
    }
  }
}

void WebSocketConnection::OnWatch(tallybus_v1::Watch watch, WatchPermissionsPtr newer) {
  if (!MayWatch(watch.keys, newer ? *newer : *permissions()))
    return Close(client_close::kNotAllowed, client_close::kNotAllowed.text);
  if (newer) SetPermissions(std::move(newer));
  life_.Watched();
  if (!audience_.Watch(this, std::move(watch)))
    return Close(client_close::kTooManyWatches, client_close::kTooManyWatches.text);
  begins_ = true;
}

// Beast has told the peer already, where it could.
void WebSocketConnection::OnReadFailed(Error error) {
  if (error == websocket::error::closed) return Ended(client_close::kClientLeft);
  const bool broken =
      error.category() == websocket::make_error_code(websocket::error::closed).category();
  Ended(broken ? client_close::kProtocolError : client_close::kLost);
}

void WebSocketConnection::Wake() {
  if (begins_ && !Audience::Asked(*this)) {
    begins_ = false;
    dialect_->Begun();
  }
  Write();
}

void WebSocketConnection::Write() {
  if (writing_ || !open_ || ended_) return;
  if (!said_.empty()) {
    head_ = std::move(said_.front());
    said_.erase(said_.begin());
    if (said_.empty()) said_.shrink_to_fit();
    return WriteOut({}, nullptr);
  }
  if (farewell_) return Close(farewell_->why, farewell_->text);
  while (std::optional<Outgoing> next = watcher().Next(audience_.ring())) {
    std::optional<ClientDialect::Frame> frame = dialect_->Tell(*next);
    if (!frame) continue;
    head_ = std::move(frame->head);
    return WriteOut(frame->tail, std::move(next->owner));
  }
  TakeOrders();
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
                                       Beast(Shortened(text)));
  stream_.async_close(reason, [self = shared_from_this()](Error) {});
}

void WebSocketConnection::CloseOnceSaid(const ClientClose& why, std::string text) {
  if (ended_ || farewell_) return;
  farewell_ = std::make_unique<Farewell>(Farewell{why, std::move(text)});
  watcher().Drop();
  orders_.clear();
  Write();
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
  stream_.next_layer().socket().close(ignored);
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
      return Close(client_close::kNoWatch, client_close::kNoWatch.text);
    case ConnectionLife::Due::kSilent:
      return Close(client_close::kSilent, client_close::kSilent.text);
    case ConnectionLife::Due::kNotReading:
      return Close(client_close::kNotReading, client_close::kNotReading.text);
    case ConnectionLife::Due::kCut:
      return Cut();
  }
}

void WebSocketConnection::SendPing() {
  if (std::optional<std::string> ping = dialect_->Ping(); ping && open_) {
    if (said_.empty()) Say(*std::move(ping));
    return;
  }
  if (pinging_ || !open_) return;
  pinging_ = true;
  stream_.async_ping({}, [self = shared_from_this()](Error) { self->pinging_ = false; });
}

}  // namespace tallybus
