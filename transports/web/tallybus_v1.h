// tallybus.v1, a dialect of the client protocol: what stands in a frame, both ways. Pure; the page
// for those who write a client is docs/client_protocol.md. [any thread]
#ifndef TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_H_
#define TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tallybus/client_channel.h"
#include "tallybus/live_streams.h"
#include "transports/web/client_message.h"
#include "transports/web/token.h"

namespace tallybus::tallybus_v1 {

inline constexpr std::string_view kSubprotocol = "tallybus.v1";
inline constexpr size_t kMostFrameBytes = 4096;  // from a client, without its token
inline constexpr size_t kMostTokenFrameBytes = kMostFrameBytes + TokenVerifier::kMaxTokenBytes;
inline constexpr size_t kMostWatches = 64;  // of a client
inline constexpr size_t kMostPieceStreams = 256;
inline constexpr size_t kMostPieceBytes = size_t{64} << 10;

struct Watch {
  std::vector<WatchKey> keys;  // not empty
  std::string after;           // the last event that was seen; empty: none
  std::string token;           // empty: none
};
struct Unwatch {
  std::vector<WatchKey> keys;
};
struct Ping {};
using ClientFrame = std::variant<Watch, Unwatch, Ping>;

// INVALID_ARGUMENT: what is wrong, in at most 100 bytes and none of them from the frame.
absl::StatusOr<ClientFrame> ReadFrame(std::string_view text);
// A watch that came as parameters of a request: session, stream, app, after, access_token. Without
// the first three `keys` is empty. INVALID_ARGUMENT as above.
absl::StatusOr<Watch> ReadQuery(std::string_view query);

// A frame to a client is a head of its own and a tail that all who get it share.
std::string Head(uint64_t sequence);
ClientMessagePtr MakeMessage(const Notification& notification);
// One for each piece, at least one.
std::vector<std::string> SnapshotTails(const LiveStreams& streams);
// nullopt: nobody knows how many.
std::string GapTail(std::optional<uint64_t> missed);
std::string ResumedTail();
std::string Pong();  // a whole frame

}  // namespace tallybus::tallybus_v1

#endif  // TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_H_
