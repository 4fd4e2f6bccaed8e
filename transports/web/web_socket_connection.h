// One WebSocket client. Private to the gateway: Boost.Beast comes with it.
#ifndef TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transports/web/audience.h"
#include "transports/web/client_connection.h"
#include "transports/web/connection_life.h"
#include "transports/web/http_server.h"
#include "transports/web/tallybus_v1.h"

namespace tallybus {

// [web] Keeps itself alive by the operations that it waits for: while it is open it always reads.
// One watch at a time is on its way: a client cannot pile up snapshots.
class WebSocketConnection final : public ClientConnection,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  // `audience` and `authorize` outlive it; an `authorize` without a function asks for no tokens.
  // Without `permissions` the first watch must bring a token.
  WebSocketConnection(Socket socket, Audience& audience, const Authorize& authorize,
                      WatchPermissionsPtr permissions);
  ~WebSocketConnection() override;

  // Answers the handshake of `request`; `watch` holds what the request itself asks for.
  void Start(const HttpRequest& request, tallybus_v1::Watch watch);

  void Wake() override;
  void Close(const ClientClose& why, std::string_view text) override;
  void EndAfterAll() override;
  void Tick(MonoTime now) override;

 private:
  using Error = boost::beast::error_code;
  // No deflate: a window for each client would cost more than all the rest of it.
  using Stream = boost::beast::websocket::stream<Socket, false>;

  void OnAccepted(Error error);
  void Read();
  void OnRead(Error error, size_t);
  void OnFrame(std::string_view text);
  size_t LongestFrame() const;
  bool TakeToken(std::string_view token);
  void OnWatch(tallybus_v1::Watch watch);
  void TakeOrders();
  void OnReadFailed(Error error);
  void Write();
  void WriteOut(std::string_view tail, std::shared_ptr<const void> owner);
  void OnWritten(Error error);
  void SendPing();
  void Ended(const ClientClose& why);
  void Cut();

  Stream stream_;
  Audience& audience_;
  const Authorize& authorize_;
  ConnectionLife life_;
  boost::beast::flat_buffer buffer_;
  std::string head_;  // of the frame that is written
  // Watch and Unwatch in their order, behind the watch that is on its way.
  std::vector<tallybus_v1::ClientFrame> orders_;
  bool open_ = false;  // the handshake is done
  bool writing_ = false;
  bool pinging_ = false;
  unsigned pongs_due_ = 0;
  bool last_ = false;   // EndAfterAll
  bool ended_ = false;  // nothing more is written or read
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_
