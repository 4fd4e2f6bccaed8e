// What every transport must do, as one suite of tests.
//
//   TALLYBUS_TRANSPORT_CONFORMANCE(Rest, [] { return std::make_unique<RestSubject>(); });
#ifndef TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_
#define TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus::testing {

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
};

// The far end. Lives until the transport has stopped.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual Endpoint endpoint() = 0;  // the same id each time
  virtual std::vector<Arrival> Arrivals() = 0;
};

// A transport under test, with the peers that it can talk to.
class ConformanceSubject {
 public:
  virtual ~ConformanceSubject() = default;
  virtual TransportDescriptor descriptor() = 0;
  virtual std::unique_ptr<Peer> MakePeer(PeerMood mood) = 0;
  // Why no peer of this protocol can be in that mood; empty where one can. The tests that need it
  // are skipped, and print this.
  virtual std::string NotApplicable(PeerMood) const { return ""; }
  // What the far end has of a body: the same bytes, but for a format that may move the white space
  // between an object's tokens.
  virtual std::string AsWritten(std::string body) const { return body; }
};

using SubjectFactory = std::function<std::unique_ptr<ConformanceSubject>()>;

class TransportConformance : public ::testing::TestWithParam<SubjectFactory> {
 protected:
  void SetUp() override;
  std::unique_ptr<ConformanceSubject> subject_;
};

}  // namespace tallybus::testing

#define TALLYBUS_TRANSPORT_CONFORMANCE(name, factory)                                       \
  using ::tallybus::testing::TransportConformance;                                          \
  INSTANTIATE_TEST_SUITE_P(name, TransportConformance,                                      \
                           ::testing::Values(::tallybus::testing::SubjectFactory(factory)), \
                           [](const auto&) { return std::string("Transport"); })

#endif  // TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_
