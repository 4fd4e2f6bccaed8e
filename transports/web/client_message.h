// One event on its way to many clients: made once, shared by all.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_MESSAGE_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tallybus {

// What a client watches.
struct WatchKey {
  enum class Kind : uint8_t { kSession, kStream, kApp };
  Kind kind = Kind::kSession;
  std::string value;  // not empty

  friend bool operator==(const WatchKey&, const WatchKey&) = default;
};

// Immutable once shared.
struct ClientMessage {
  std::string id;          // of the event, what a resume names
  std::string name;        // "StreamStatusEvent"
  std::string session_id;  // those by which it is watched; each may be empty
  std::string stream;
  std::string app_key;
  std::string tail;  // of its frame, behind the sequence

  bool Fits(const WatchKey& key) const {
    const std::string& has = key.kind == WatchKey::Kind::kSession  ? session_id
                             : key.kind == WatchKey::Kind::kStream ? stream
                                                                   : app_key;
    return has == key.value;
  }
  // That it costs to keep it.
  size_t Bytes() const {
    return sizeof(ClientMessage) + id.size() + name.size() + session_id.size() + stream.size() +
           app_key.size() + tail.size();
  }
};
using ClientMessagePtr = std::shared_ptr<const ClientMessage>;

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_MESSAGE_H_
