// The field numbers are those of proto/tallybus/v1/bus.proto.
#include "message.h"

#include <initializer_list>

#include "wire.h"

namespace tallybus::engine {
namespace {

template <typename Out>
void Fields(Out& out, const Hello& message) {
  out.Varint(1, kProtocol);
  out.Varint(2, kProtocol);
  BytesUnlessEmpty(out, 3, message.library_version);
  out.Fixed64(4, message.epoch);
  BytesUnlessEmpty(out, 5, message.node_id);
  VarintUnlessZero(out, 6, message.first_held);
  BytesUnlessEmpty(out, 7, message.app_key);
  VarintUnlessZero(out, 8, message.client_messages);
  VarintUnlessZero(out, 9, message.dropped);
}

template <typename Out>
void Fields(Out& out, const Heartbeat& message) {
  out.Fixed64(1, message.epoch);
  VarintUnlessZero(out, 2, message.dropped);
}

template <typename Message>
std::string EncodeFields(const Message& message) {
  Sizer sizer;
  Fields(sizer, message);
  std::string bytes(sizer.size(), '\0');
  Writer writer(bytes.data());
  Fields(writer, message);
  return bytes;
}

// Where the fields 1, 2, 3, ... of a message go: a number, or bytes.
struct Target {
  Target(uint64_t* to) : number(to) {}         // NOLINT(google-explicit-constructor)
  Target(std::string_view* to) : bytes(to) {}  // NOLINT(google-explicit-constructor)

  uint64_t* number = nullptr;
  std::string_view* bytes = nullptr;
};

bool DecodeFields(std::string_view body, std::initializer_list<Target> targets) {
  Reader in(body);
  while (in.Next()) {
    if (in.field() > targets.size()) continue;
    const Target& target = targets.begin()[in.field() - 1];
    if (target.number != nullptr) *target.number = in.number();
    if (target.bytes != nullptr) *target.bytes = in.bytes();
  }
  return in.ok();
}

}  // namespace

std::string Encode(const Hello& message) { return EncodeFields(message); }
std::string Encode(const Heartbeat& message) { return EncodeFields(message); }

size_t EventsHeadSize(uint64_t first_sequence) {
  Sizer sizer;
  sizer.Fixed64(1, 0);
  sizer.Varint(2, first_sequence);
  return sizer.size();
}

void WriteEventsHead(Writer& out, uint64_t epoch, uint64_t first_sequence) {
  out.Fixed64(1, epoch);
  out.Varint(2, first_sequence);
}

// Both begin with the epoch alone.
std::string StateHead(uint64_t epoch) { return Encode(Heartbeat{epoch}); }

bool Decode(std::string_view body, Welcome* message) {
  return DecodeFields(body, {&message->router_epoch, &message->protocol, &message->expected,
                             &message->send_through});
}

bool Decode(std::string_view body, Refuse* message) {
  return DecodeFields(body, {&message->protocol_min, &message->protocol_max, &message->reason});
}

bool Decode(std::string_view body, Resync* message) {
  return DecodeFields(body, {&message->router_epoch, &message->expected});
}

bool Decode(std::string_view body, Ack* message) {
  return DecodeFields(body, {&message->durable_through, &message->send_through});
}

bool Decode(std::string_view body, Reject* message) {
  return DecodeFields(body, {&message->sequence, &message->reason});
}

bool Decode(std::string_view body, ClientMessage* message) {
  return DecodeFields(body,
                      {&message->session_id, &message->message, &message->json, &message->meta});
}

bool Decode(std::string_view body, Terminate* message) {
  return DecodeFields(body, {&message->session_id, &message->media_session_id, &message->reason});
}

bool Decode(std::string_view body, ConnectResult* message) {
  return DecodeFields(body, {&message->call, &message->accepted, &message->reason, &message->json,
                             &message->session});
}

}  // namespace tallybus::engine
