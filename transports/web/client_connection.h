// One connected client, as the audience sees it; how its frames travel is a matter of its kind.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/clock.h"
#include "transports/web/client_close.h"
#include "transports/web/client_message.h"
#include "transports/web/watch_permissions.h"
#include "transports/web/watcher.h"

namespace tallybus {

// [web]
class ClientConnection {
 public:
  enum class Kind : uint8_t { kWebSocket, kEventStream };

  // `permissions`: null as long as it may watch nothing.
  ClientConnection(Kind kind, const Watcher::Limits& limits,
                   WatchPermissionsPtr permissions = EveryPermission())
      : kind_(kind), permissions_(std::move(permissions)), watcher_(limits) {}
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
  const WatchPermissionsPtr& permissions() const { return permissions_; }

 protected:
  void SetPermissions(WatchPermissionsPtr permissions) { permissions_ = std::move(permissions); }
  // These, beside what it watches already, under these permissions.
  bool MayWatch(const std::vector<WatchKey>& keys, const WatchPermissions& permissions) const {
    const auto allowed = [&](const WatchKey& key) { return permissions.Allow(key); };
    return std::all_of(keys.begin(), keys.end(), allowed) &&
           std::all_of(keys_.begin(), keys_.end(), allowed);
  }
  bool HasExpired(const Clock& clock) const {
    return permissions_ != nullptr && permissions_->expires != absl::InfiniteFuture() &&
           clock.WallNow() >= permissions_->expires;
  }

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
  WatchPermissionsPtr permissions_;
  Watcher watcher_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_CONNECTION_H_
