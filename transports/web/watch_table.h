// Who watches what: by session, by stream name, by app.
#ifndef TALLYBUS_TRANSPORTS_WEB_WATCH_TABLE_H_
#define TALLYBUS_TRANSPORTS_WEB_WATCH_TABLE_H_

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "transports/web/client_connection.h"
#include "transports/web/client_message.h"

namespace tallybus {

// One thread. The connections are borrowed until they are removed.
class WatchTable {
 public:
  // Not for a key that the connection has.
  void Add(const WatchKey& key, ClientConnection* connection);
  void Remove(const WatchKey& key, ClientConnection* connection);
  // Appends each connection that watches the message, once.
  void Find(const ClientMessage& message, std::vector<ClientConnection*>* found);
  size_t size() const { return size_; }

 private:
  using ByValue = absl::flat_hash_map<std::string, std::vector<ClientConnection*>>;

  std::array<ByValue, 3> by_kind_;
  uint64_t searches_ = 0;
  size_t size_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WATCH_TABLE_H_
