// What every transport must do: a check for each sentence of its contract. The tests of our own
// transports run them, and `tallybus conformance` over those of others.
#ifndef TALLYBUS_APPS_CONFORMANCE_CHECKS_H_
#define TALLYBUS_APPS_CONFORMANCE_CHECKS_H_

#include <span>
#include <string>

#include "apps/conformance/bench.h"
#include "apps/conformance/subject.h"

namespace tallybus::conformance {

struct Outcome {
  enum class Kind { kOk, kFailed, kNotChecked };
  Kind kind = Kind::kOk;
  std::string why = {};
};

// A transport that runs, beside a peer.
struct Trial {
  Subject& subject;
  Peer& peer;
  Bench& bench;
};

struct Check {
  const char* name;      // "BytesArriveExactly"
  const char* sentence;  // "the bytes of a body arrive exactly"
  PeerMood mood;
  Outcome (*run)(Trial& trial);
};

std::span<const Check> Checks();

// [control] Blocks for some seconds at most, where the transport's own calls return. A plugin that
// does what it must not has failed, whatever the check found.
Outcome Run(const Check& check, Subject& subject);

// "delivered", "retry later", "hold", "rejected", "gone".
const char* WordOf(Verdict verdict);

}  // namespace tallybus::conformance

#endif  // TALLYBUS_APPS_CONFORMANCE_CHECKS_H_
