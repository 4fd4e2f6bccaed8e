// The seam between a WebSocket and what is spoken on it.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_DIALECT_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_DIALECT_H_

#include <optional>
#include <string>
#include <string_view>

#include "transports/web/client_close.h"
#include "transports/web/tallybus_v1.h"
#include "transports/web/watch_permissions.h"
#include "transports/web/watcher.h"

namespace tallybus {

// [web] What a dialect has its connection do; a connection that ends does nothing more.
class ClientLine {
 public:
  virtual ~ClientLine() = default;
  // A whole frame, before all that the watcher has.
  virtual void Say(std::string frame) = 0;
  // A Watch or Unwatch, behind those that wait.
  virtual void Order(tallybus_v1::ClientFrame order) = 0;
  // What it may watch, from the next order on. Where it might watch nothing yet, orders wait for
  // this.
  virtual void Permit(WatchPermissionsPtr permissions) = 0;
  // It said who it is: its first watch may take its time.
  virtual void Introduced() = 0;
  virtual void Close(const ClientClose& why, std::string_view text) = 0;
  // Once what was said is on its way; the client is not heard meanwhile.
  virtual void CloseOnceSaid(const ClientClose& why, std::string text) = 0;
};

// [web] One client's; it goes with its connection.
class ClientDialect {
 public:
  // In two parts, the second of which is shared by all who get it.
  struct Frame {
    std::string head;
    std::string_view tail;  // lives as long as the Outgoing's owner
  };

  virtual ~ClientDialect() = default;
  virtual std::string_view subprotocol() const = 0;
  virtual size_t most_frame_bytes() const = 0;  // from the client
  // The handshake is done.
  virtual void Opened() {}
  virtual void Hear(std::string_view frame) = 0;
  // The watch that was ordered last has begun: what comes from here on is told.
  virtual void Begun() {}
  // nullopt: this dialect has no words for it.
  virtual std::optional<Frame> Tell(const Outgoing& next) = 0;
  // A frame that the client has to answer; nullopt: the WebSocket's own ping is.
  virtual std::optional<std::string> Ping() const = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_DIALECT_H_
