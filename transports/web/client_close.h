// Why a client's connection ends, and how it is told.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_CLOSE_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_CLOSE_H_

#include <cstdint>
#include <string_view>

namespace tallybus {

struct ClientClose {
  uint16_t code;            // of a WebSocket
  std::string_view reason;  // what it is counted under
  std::string_view text;    // for the client, at most 100 bytes
};

namespace client_close {

inline constexpr ClientClose kGoingAway = {1001, "shutdown", "the server stops"};
// With a text of its own: what is asked about it could not be asked.
inline constexpr ClientClose kTryLater = {1013, "try_later", ""};
inline constexpr ClientClose kBinaryFrame = {1003, "binary", "only text frames are served"};
inline constexpr ClientClose kMalformed = {4400, "malformed", ""};        // with a text of its own
inline constexpr ClientClose kUnauthorized = {4401, "unauthorized", ""};  // the same
inline constexpr ClientClose kExpired = {4401, "expired", "token expired"};
inline constexpr ClientClose kNotAllowed = {4403, "not_allowed", "this must not be watched"};
inline constexpr ClientClose kNoWatch = {4408, "no_watch", "no watch came in time"};
inline constexpr ClientClose kSilent = {4408, "silent", "nothing came, no pong either"};
inline constexpr ClientClose kNotReading = {4408, "not_reading", "what is sent is not read"};
inline constexpr ClientClose kTooManyWatches = {4429, "watches", "more than 64 watches"};
inline constexpr ClientClose kTooManyGranted = {4429, "granted", "more than 256 were granted"};
inline constexpr ClientClose kTooManyOrders = {4429, "frames", "frames come faster than answers"};
inline constexpr ClientClose kFrameTooLarge = {1009, "frame_too_large", "the frame is too long"};
// Of the wcs dialect. No peer may say 1006, and that is the point: a browser takes it for a broken
// connection, which alone is a failed session to the official SDK.
inline constexpr ClientClose kDeclined = {1006, "declined", ""};  // with a text of its own
// Those that are seen, not said.
inline constexpr ClientClose kProtocolError = {1002, "protocol", ""};
inline constexpr ClientClose kClientLeft = {1000, "client", ""};
inline constexpr ClientClose kLost = {1006, "lost", ""};

}  // namespace client_close

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_CLOSE_H_
