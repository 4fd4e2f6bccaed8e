// One WebSocket client, whatever it speaks. Private to the gateway: Boost.Beast comes with it.
#ifndef TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_

#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transports/web/audience.h"
#include "transports/web/client_connection.h"
#include "transports/web/client_dialect.h"
#include "transports/web/connection_life.h"
#include "transports/web/http_server.h"
#include "transports/web/tallybus_v1.h"
#include "transports/web/web_stream.h"

namespace tallybus {

// [web] Keeps itself alive by the operations that it waits for: while it is open it always reads.
// One watch at a time is on its way: a client cannot pile up snapshots.
class WebSocketConnection final : public ClientConnection,
                                  public ClientLine,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  using MakeDialect = std::function<std::unique_ptr<ClientDialect>(ClientLine& line)>;

  // `audience` outlives it. Without `permissions` no watch is taken until the dialect permits it.
  WebSocketConnection(WebStream stream, Audience& audience, WatchPermissionsPtr permissions);
  ~WebSocketConnection() override;

  // Before Start: speaks what this makes, not tallybus.v1.
  void Speak(const MakeDialect& make);
  // Before Start: speaks what this makes where a first frame `connection` asks for it.
  void SpeakWcsIfAsked(MakeDialect make) { wcs_ = std::move(make); }
  // Answers the handshake of `request`; `watch` holds what the request itself asks for.
  void Start(const HttpRequest& request, tallybus_v1::Watch watch);

  void Wake() override;
  void Close(const ClientClose& why, std::string_view text) override;
  void EndAfterAll() override;
  void Tick(MonoTime now) override;

  void Say(std::string frame) override;
  void Order(tallybus_v1::ClientFrame order) override;
  void Permit(WatchPermissionsPtr permissions) override;
  void Introduced() override { life_.Watched(); }
  void CloseOnceSaid(const ClientClose& why, std::string text) override;

 private:
  using Error = boost::beast::error_code;
  // No deflate: a window for each client would cost more than all the rest of it.
  using Stream = boost::beast::websocket::stream<WebStream, false>;

  void OnAccepted(Error error);
  void Read();
  void OnRead(Error error, size_t);
  void OnFrame(std::string_view text);
  void OnWatch(tallybus_v1::Watch watch, WatchPermissionsPtr newer);
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
  std::unique_ptr<ClientDialect> dialect_;
  MakeDialect wcs_;
  ConnectionLife life_;
  boost::beast::flat_buffer buffer_;
  std::string head_;  // of the frame that is written
  // Watch and Unwatch in their order, behind the watch that is on its way.
  struct Waiting {
    tallybus_v1::ClientFrame order;
    WatchPermissionsPtr newer;  // from this one on; null: as before
  };
  std::vector<Waiting> orders_;
  WatchPermissionsPtr newer_;      // goes with the next order
  std::vector<std::string> said_;  // goes before what the watcher has
  struct Farewell {
    ClientClose why;
    std::string text;
  };
  std::unique_ptr<Farewell> farewell_;  // behind all that was said
  bool open_ = false;                   // the handshake is done
  bool begins_ = false;  // a watch was ordered, and its dialect was not told that it began
  bool writing_ = false;
  bool pinging_ = false;
  bool last_ = false;   // EndAfterAll
  bool ended_ = false;  // nothing more is written or read
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WEB_SOCKET_CONNECTION_H_
