// A hash table for each kind of key.
#include "transports/web/watch_table.h"

#include <algorithm>
#include <utility>

namespace tallybus {

void WatchTable::Add(const WatchKey& key, ClientConnection* connection) {
  by_kind_[static_cast<size_t>(key.kind)][key.value].push_back(connection);
  ++size_;
}

void WatchTable::Remove(const WatchKey& key, ClientConnection* connection) {
  ByValue& table = by_kind_[static_cast<size_t>(key.kind)];
  auto found = table.find(key.value);
  if (found == table.end()) return;
  std::vector<ClientConnection*>& watching = found->second;
  auto place = std::find(watching.begin(), watching.end(), connection);
  if (place == watching.end()) return;
  *place = watching.back();
  watching.pop_back();
  --size_;
  if (watching.empty()) table.erase(found);
}

void WatchTable::Find(const ClientMessage& message, std::vector<ClientConnection*>* found) {
  ++searches_;
  const std::string* words[] = {&message.session_id, &message.stream, &message.app_key};
  for (size_t kind = 0; kind < by_kind_.size(); ++kind) {
    auto watching = by_kind_[kind].find(*words[kind]);
    if (watching == by_kind_[kind].end()) continue;
    for (ClientConnection* connection : watching->second) {
      if (std::exchange(connection->matched_, searches_) != searches_) found->push_back(connection);
    }
  }
}

}  // namespace tallybus
