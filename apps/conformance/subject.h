// A transport under trial, and the far ends that it can be given.
#ifndef TALLYBUS_APPS_CONFORMANCE_SUBJECT_H_
#define TALLYBUS_APPS_CONFORMANCE_SUBJECT_H_

#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"

namespace tallybus::conformance {

// What a peer does with each delivery.
enum class PeerMood {
  kAccepts,
  kRefuses,    // nobody listens
  kHangs,      // takes it and never answers
  kRejects,    // for good
  kOverloaded  // come back in kOverloadHint
};
inline constexpr absl::Duration kOverloadHint = absl::Seconds(7);

// A delivery as the far end saw it, told by its own protocol.
struct Arrival {
  std::string body;
  std::string method;
  std::string event_id;
  std::string time;  // RFC 3339
  std::string lane;
  uint64_t lane_sequence = 0;
  int attempt = 0;
  bool redelivery = false;
  bool from_router = false;
  // Not empty: the protocol is not known. These are all its bytes, in which the above is searched.
  std::string bytes = {};
};

// The far end. Lives until the transport has stopped.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual Endpoint endpoint() = 0;  // the same id each time
  virtual std::vector<Arrival> Arrivals() = 0;
};

// A transport under test, with the peers that it can talk to.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual TransportDescriptor descriptor() = 0;
  // nullptr: none can be made, as where no file descriptor is left.
  virtual std::unique_ptr<Peer> MakePeer(PeerMood mood) = 0;
  // Why no peer of this protocol can be in that mood; empty where one can. What needs it is then
  // not checked, and says this.
  virtual std::string NotApplicable(PeerMood) const { return ""; }
  // What the far end has of a body: the same bytes, but for a format that may move the white space
  // between an object's tokens.
  virtual std::string AsWritten(std::string body) const { return body; }
  // A body as the peer can take it: one whose protocol is not known may end at a byte of it.
  virtual std::string Sendable(std::string body) const { return body; }
  // Of a protocol that is not known: which attributes its bytes must hold. The others may.
  virtual std::vector<std::string> Carries() const { return {}; }
};

}  // namespace tallybus::conformance

#endif  // TALLYBUS_APPS_CONFORMANCE_SUBJECT_H_
