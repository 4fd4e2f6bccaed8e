// The messages of the bus: what this library says to a router, and what it understands of one.
// Every ZeroMQ message has two frames: one byte of Kind, and the protobuf message of that name.
#ifndef TALLYBUS_PLUGINS_ENGINE_MESSAGE_H_
#define TALLYBUS_PLUGINS_ENGINE_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus::engine {

// The one version of the protocol that this library speaks.
constexpr uint32_t kProtocol = 1;

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

struct Hello {
  std::string_view library_version;
  uint64_t epoch = 0;
  std::string_view node_id;
  uint64_t first_held = 0;
  std::string_view app_key;
  bool client_messages = false;
  uint64_t dropped = 0;  // of the heartbeats' count, what a router has heard of already
};
std::string Encode(const Hello& message);

struct Heartbeat {
  uint64_t epoch = 0;
  uint64_t dropped = 0;  // events that found the ring full
};
std::string Encode(const Heartbeat& message);

// EVENTS is written piecewise: its head, then each record as a field of bytes.
constexpr uint32_t kEventsRecordField = 3;
size_t EventsHeadSize(uint64_t first_sequence);
class Writer;
void WriteEventsHead(Writer& out, uint64_t epoch, uint64_t first_sequence);

// STATE is built up in chunks: a head, then sessions and streams in any order.
constexpr uint32_t kStateSessionField = 2;
constexpr uint32_t kStateStreamField = 3;
std::string StateHead(uint64_t epoch);

// Text and bytes of what follows are borrowed from the message that was decoded.

struct Welcome {
  uint64_t router_epoch = 0;
  uint64_t protocol = 0;
  uint64_t expected = 0;
  uint64_t send_through = 0;
};

struct Refuse {
  uint64_t protocol_min = 0;
  uint64_t protocol_max = 0;
  std::string_view reason;
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
  std::string_view reason;
};

struct ClientMessage {
  std::string_view session_id;
  std::string_view message;
  std::string_view json;
  std::string_view meta;
};

struct Terminate {
  std::string_view session_id;
  std::string_view media_session_id;
  std::string_view reason;
};

struct ConnectResult {
  uint64_t call = 0;
  uint64_t accepted = 0;
  std::string_view reason;
  std::string_view json;
  std::string_view session;  // a Session that the router opened; empty: none
};

// False: `body` is no protobuf message. Fields that it does not know are skipped.
[[nodiscard]] bool Decode(std::string_view body, Welcome* message);
[[nodiscard]] bool Decode(std::string_view body, Refuse* message);
[[nodiscard]] bool Decode(std::string_view body, Resync* message);
[[nodiscard]] bool Decode(std::string_view body, Ack* message);
[[nodiscard]] bool Decode(std::string_view body, Reject* message);
[[nodiscard]] bool Decode(std::string_view body, ClientMessage* message);
[[nodiscard]] bool Decode(std::string_view body, Terminate* message);
[[nodiscard]] bool Decode(std::string_view body, ConnectResult* message);

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_MESSAGE_H_
