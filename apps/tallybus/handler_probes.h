// What a receiver's handler gets wrong: requests whose right answer is known.
#ifndef TALLYBUS_APPS_TALLYBUS_HANDLER_PROBES_H_
#define TALLYBUS_APPS_TALLYBUS_HANDLER_PROBES_H_

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "apps/explanation/sample_events.h"
#include "apps/tallybus/single_sender.h"
#include "tallybus/transport.h"

namespace tallybus::cli {

struct ProbesWanted {
  bool duplicate = false;
  std::optional<absl::Duration> late;
  bool out_of_order = false;
  bool forged = false;  // needs a signed endpoint

  bool any() const { return duplicate || late || out_of_order || forged; }
};

// Standard Webhooks: what was signed longer ago, or is that far ahead, is refused.
inline constexpr absl::Duration kSignatureTolerance = absl::Minutes(5);

// One request, and what its answer should be.
struct Probe {
  std::string name;     // "duplicate"
  std::string request;  // what is sent, for people
  Endpoint endpoint;
  std::vector<Sample> samples;
  Manner manner = {};
  bool should_be_taken = true;  // by a 2xx; else refused: 401, 403 or 400
  std::string mistake;          // what it means where the answer is the opposite
  std::string unseen = {};      // what a right answer does not show, and people must look for
};

bool IsTaken(const DeliveryResult& answer);
// In words; none where the answer is right.
std::string MistakeIn(const Probe& probe, const DeliveryResult& answer);

// In the order in which they are to be sent. `before` is the last event that was taken.
std::vector<Probe> ProbesOf(const ProbesWanted& wanted, const Endpoint& endpoint,
                            const Sample& before, SampleEvents& samples);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_HANDLER_PROBES_H_
