// wcs, a dialect of the client protocol: the frames of Web Call Server's clients, both ways. Pure;
// the page for those who write a client is docs/wcs_dialect.md. [any thread]
#ifndef TALLYBUS_TRANSPORTS_WEB_WCS_DIALECT_H_
#define TALLYBUS_TRANSPORTS_WEB_WCS_DIALECT_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tallybus::wcs {

inline constexpr std::string_view kSubprotocol = "wcs";
// From a client: an offer of media comes with its sdp, and a session with the page's own object.
// Of one that was let in: an offer of media is long. Of one that was not: it has a token at most.
inline constexpr size_t kMostFrameBytes = size_t{64} << 10;
inline constexpr size_t kMostFirstFrameBytes = size_t{12} << 10;
inline constexpr std::string_view kNoMedia = "tallybus does not carry media signalling";

// The first frame.
struct Connection {
  std::string app_key;     // "defaultApp" where it names none
  std::string auth_token;  // empty: none
  std::string further;     // the other members, as JSON text without braces; may be empty
};
struct Ping {};
// A pong, a line of the client's log: it is taken, and that is all.
struct Heard {};
// What is not served here is answered at once: a client waits for ever.
struct Unserved {
  std::vector<std::string> answers;  // whole frames
};
using ClientFrame = std::variant<Connection, Ping, Heard, Unserved>;

// INVALID_ARGUMENT: what is wrong, in at most 100 bytes and none of them from the frame.
absl::StatusOr<ClientFrame> ReadFrame(std::string_view text);
bool IsConnection(std::string_view text);

// Whole frames to a client.
std::string UserData(const Connection& connection, std::string_view auth_token,
                     std::string_view session_id);
std::string Fail(std::string_view info);
std::string PingFrame();
std::string PongFrame();

// A frame in two parts; the tail is one of tallybus_v1's, from `data` on, shared by all.
struct Frame {
  std::string head;
  std::string_view tail;
};
// What is told under `name` with this tail of tallybus_v1. nullopt: nothing, in this dialect.
std::optional<Frame> FrameOf(std::string_view name, std::string_view tail);

}  // namespace tallybus::wcs

#endif  // TALLYBUS_TRANSPORTS_WEB_WCS_DIALECT_H_
