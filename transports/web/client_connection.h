// One connected client, as the audience sees it; how its frames travel is a matter of its kind.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"
#include "transports/web/client_close.h"
#include "transports/web/client_message.h"
#include "transports/web/watcher.h"

namespace tallybus {

// [web]
class ClientConnection {
 public:
  enum class Kind : uint8_t { kWebSocket, kEventStream };

  ClientConnection(Kind kind, const Watcher::Limits& limits) : kind_(kind), watcher_(limits) {}
  virtual ~ClientConnection() = default;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // The watcher has something to say. None of these destroys the connection before it returns.
  virtual void Wake() = 0;
  // What still waits is dropped. A second close does nothing.
  virtual void Close(const ClientClose& why, std::string_view text) = 0;
  // kGoingAway, once what waits is told.
  virtual void EndAfterAll() = 0;
  virtual void Tick(MonoTime now) = 0;

  Kind kind() const { return kind_; }
  Watcher& watcher() { return watcher_; }

 private:
  friend class Audience;  // which keeps here what it knows of the connection
  friend class WatchTable;
  const Kind kind_;
  bool asked_ = false;                           // a watch is on its way to the router
  bool dirty_ = false;                           // is to be woken at the end of the batch
  MonoTime snapshot_at_ = MonoTime::Infinite();  // was told to its watcher; infinite: a replay was
  uint64_t number_ = 0;
  uint64_t matched_ = 0;  // the message that it was found for last
  std::vector<WatchKey> keys_;
  Watcher watcher_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_
