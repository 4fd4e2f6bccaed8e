// One client of server-sent events. Private to the gateway: Boost.Asio comes with it.
#ifndef TALLYBUS_TRANSPORTS_WEB_EVENT_STREAM_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_EVENT_STREAM_CONNECTION_H_

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "transports/web/audience.h"
#include "transports/web/client_connection.h"
#include "transports/web/connection_life.h"
#include "transports/web/tallybus_v1.h"

namespace tallybus {

// [web] Keeps itself alive by the operations that it waits for. The answer has no length: it ends
// with the connection.
class EventStreamConnection final : public ClientConnection,
                                    public std::enable_shared_from_this<EventStreamConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  // `audience` outlives it. The watch is known to be permitted.
  EventStreamConnection(Socket socket, Audience& audience, WatchPermissionsPtr permissions);
  ~EventStreamConnection() override;

  // `origin`: of the page that may read the answer; empty: none asked.
  void Start(std::string_view origin, tallybus_v1::Watch watch);

  void Wake() override;
  void Close(const ClientClose& why, std::string_view text) override;
  void EndAfterAll() override;
  void Tick(MonoTime now) override;

  // A peer is asked by a comment whether it is there, so often.
  static constexpr absl::Duration kCommentEvery = absl::Seconds(15);

 private:
  using Error = boost::system::error_code;

  void Read();
  void Write();
  void WriteOut(std::string_view tail, std::string_view end, std::shared_ptr<const void> owner);
  void OnWritten(Error error);
  void Ended(const ClientClose& why);

  Socket socket_;
  Audience& audience_;
  ConnectionLife::Times times_;
  ConnectionLife life_;
  std::string head_;
  std::array<char, 64> discarded_;
  bool writing_ = false;
  bool comment_due_ = false;
  bool last_ = false;
  bool ended_ = false;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_EVENT_STREAM_CONNECTION_H_
