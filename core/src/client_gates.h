// Clients' copies that wait for a backend's answer (restPolicy OVERWRITE), and those behind them,
// so that each stream stays in order.
#ifndef TALLYBUS_CLIENT_GATES_H_
#define TALLYBUS_CLIENT_GATES_H_

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/overwrite.h"
#include "tallybus/clock.h"
#include "tallybus/event.h"
#include "tallybus/metrics.h"
#include "tallybus/policy.h"
#include "tallybus/route.h"
#include "tallybus/spool.h"

namespace tallybus {

// What a copy waits for.
struct ClientGate {
  SpoolSeq row = 0;
  RoutePtr route;
  FieldSetPtr fields;  // that the answer may overwrite
  MonoTime until;
};

// One event on its way to the clients.
struct ClientCopy {
  EventPtr event;
  FieldSetPtr exclude;
  EventPtr about = nullptr;  // of an ErrorEvent: what failed, behind whose copy it stays
  std::unique_ptr<ClientGate> gate = nullptr;
  std::string json = {};  // where not empty: goes in the place of the event's
};

// What became of a copy under OVERWRITE.
enum class GateEnd {
  kOverwritten,
  kUnchanged,   // the answer says what the event says
  kNoBody,      // the answer has none
  kNotJson,     // the answer is no JSON object
  kFailed,      // the first attempt did
  kTimedOut,    // the answer was not there in time
  kEndpoint,    // breaker open, held, paused, disabled: nothing is sent for now
  kUnanswered,  // shed, coalesced, dropped or buried; or its batch was delivered
  kBatch,       // an answer to a batch is nobody's
  kCrowded,     // too many waited behind it
  kMemory,      // too much waited in all
  kStopped,     // the router stops
};
inline constexpr size_t kGateEnds = 12;

// [owner] Stepped: whatever lets copies go returns them, in their order.
class ClientGates {
 public:
  static constexpr size_t kMostBehind = 64;  // copies behind one gate; one more opens it
  static constexpr size_t kMostBytes = size_t{8} << 20;  // of all that wait; one more opens gates
  using Copies = std::vector<ClientCopy>;

  explicit ClientGates(Metrics& metrics);

  bool empty() const { return by_row_.empty(); }
  // Copies that wait.
  size_t size() const { return size_; }
  size_t bytes() const { return bytes_; }
  // The copy that waits for the row's answer; nullptr: none does. Until the next change.
  const ClientCopy* Find(SpoolSeq row) const;

  // Keeps a copy that has a gate, or comes behind one; else gives it back.
  [[nodiscard]] Copies Take(ClientCopy copy);
  // The row's gate is open. `json`, where not empty, goes in the place of the event's.
  [[nodiscard]] Copies Open(SpoolSeq row, GateEnd end, std::string json = "");
  // Opens those whose copy fits.
  [[nodiscard]] Copies OpenWhere(const std::function<bool(const ClientCopy&)>& fits, GateEnd end);
  // Opens those whose time is over.
  [[nodiscard]] Copies TakeDue(MonoTime now);
  std::optional<MonoTime> NextDue() const;
  // A copy that should have had a gate and goes without.
  void Count(GateEnd end) { ends_[static_cast<size_t>(end)]->Add(); }
  void CountFields(const Overwritten& overwritten);

 private:
  struct Stream {
    std::string key;
    std::vector<ClientCopy> copies;  // the first has a gate
  };

  static size_t BytesOf(const ClientCopy& copy);
  void OpenGate(ClientCopy& copy, GateEnd end);
  void LetGo(Stream& stream, Copies* out);
  bool Flush(Stream& stream, Copies* out);

  absl::flat_hash_map<std::string, std::unique_ptr<Stream>> streams_;  // by ClientOrderKey
  absl::flat_hash_map<SpoolSeq, Stream*> by_row_;
  std::set<std::pair<absl::Duration, SpoolSeq>> due_;  // since MonoTime()
  size_t size_ = 0;
  size_t bytes_ = 0;
  std::array<Counter*, kGateEnds> ends_;
  Counter& replaced_;
  Counter& wrong_type_;
  Counter& unknown_;
  Gauge& waiting_;
};

}  // namespace tallybus

#endif  // TALLYBUS_CLIENT_GATES_H_
