// Bytes in, events out, and back: WCS JSON, the protobuf envelope, and the messages of the
// acknowledged bus. All functions are pure. [any thread]
#ifndef TALLYBUS_CODEC_H_
#define TALLYBUS_CODEC_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/ingress.h"

namespace tallybus {

// What fills the fields that an event leaves out.
struct EventDefaults {
  std::string_view node_id;
  std::string_view app_key;  // empty: "defaultApp"
  absl::Time now;            // for events that carry no time
  std::string_view method;   // of an envelope that names none
  // The app that a session was opened for, empty where unknown; wins over app_key. May be null.
  std::function<std::string_view(std::string_view session_id)> app_of_session;
};

// A malformed message is INVALID_ARGUMENT; this is the fixed word that it is counted under: method,
// json, not_object, too_deep, too_large, utf8, protobuf, frames, kind.
std::string_view MalformedReason(const absl::Status& status);
absl::Status Malformed(std::string_view reason, std::string_view detail);

// An event whose body is `json` as it came; absent nodeId and appKey are put in front.
absl::StatusOr<Event> EventFromJson(std::string_view method, std::string_view json,
                                    const EventDefaults& defaults);

// An event from an Envelope of proto/tallybus/v1/event.proto. A typed StreamStatus is written as
// WCS JSON with the fields that are present, in the order of the WCS sample.
absl::StatusOr<Event> EventFromEnvelope(std::string_view bytes, const EventDefaults& defaults);

// The Envelope of an event. A StreamStatusEvent is typed where every known field has its type;
// fields that are not known go to `extra` in their order.
std::string EnvelopeFromEvent(const Event& event);

// `text` as a JSON string with its quotes; each byte that is not UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

// `bytes` for a log line: printable ASCII, the rest as \xNN, at most `limit` bytes of input.
std::string EscapedPrefix(std::string_view bytes, size_t limit = 32);

namespace bus {

enum class Kind : uint8_t {
  kHello = 1,
  kWelcome = 2,
  kRefuse = 3,
  kHeartbeat = 4,
  kEvents = 5,
  kResync = 6,
  kAck = 7,
  kReject = 8,
  kClient = 9,
  kConnectResult = 10,
  kTerminate = 11,
  kState = 12,
};
inline constexpr uint32_t kProtocolMin = 1;
inline constexpr uint32_t kProtocolMax = 1;

// Engine to router. Fields are those of bus.proto.
struct Hello {
  uint32_t protocol_min = 0;
  uint32_t protocol_max = 0;
  std::string library_version;
  uint64_t epoch = 0;
  std::string node_id;
  uint64_t first_held = 0;
  std::string app_key;
  bool client_messages = false;
  uint64_t dropped = 0;  // of Heartbeat::dropped, what a router has heard of already
};
struct Heartbeat {
  uint64_t epoch = 0;
  uint64_t dropped = 0;  // an engine's: events that found its ring full, in this epoch
};
struct Events {
  uint64_t epoch = 0;
  uint64_t first_sequence = 0;
  std::vector<std::string_view> records;   // of DecodeRecord; they refer into the message
  std::shared_ptr<const void> owner = {};  // of what they refer to, where that is a copy
};
struct State {
  uint64_t epoch = 0;
  std::vector<SessionChange> sessions;
  std::vector<std::string> streams;  // of EventFromEnvelope
};
using FromEngine = std::variant<Hello, Heartbeat, Events, State>;
absl::StatusOr<FromEngine> Decode(std::string_view kind, std::string_view bytes);

struct Bye {};
struct Connect {
  uint64_t call = 0;
  Event event;
  absl::Duration timeout;  // from the event's time on
};
using Record = std::variant<Event, SessionChange, Bye, Connect>;
absl::StatusOr<Record> DecodeRecord(std::string_view bytes, const EventDefaults& defaults);
// The event of a record as our own engines write it, in place: a dozen strings are worth not
// moving. False: DecodeRecord says what it is; *event is of no use then.
bool DecodeEvent(std::string_view bytes, const EventDefaults& defaults, Event* event);

// Router to engine.
struct Welcome {
  uint64_t router_epoch = 0;
  uint32_t protocol = 0;
  uint64_t expected = 0;
  uint64_t send_through = 0;
};
struct Refuse {
  std::string reason;
};
struct Resync {
  uint64_t router_epoch = 0;
  uint64_t expected = 0;
};
struct Ack {
  uint64_t durable_through = 0;
  uint64_t send_through = 0;
};
struct Reject {
  uint64_t sequence = 0;
  std::string reason;
};
struct Client {
  std::string_view session_id;
  std::string_view message;
  std::string_view json;
  std::string_view meta;
};
struct ConnectResult {
  uint64_t call = 0;
  AskAnswer answer;
};
struct Terminate {
  std::string_view session_id;
  std::string_view media_session_id;
  std::string_view reason;
};
using ToEngine =
    std::variant<Welcome, Refuse, Heartbeat, Resync, Ack, Reject, Client, ConnectResult, Terminate>;
struct Encoded {
  char kind;
  std::string bytes;
};
Encoded Encode(const ToEngine& message);

}  // namespace bus
}  // namespace tallybus

#endif  // TALLYBUS_CODEC_H_
