// The seam to the store of what is accepted and not yet settled.
#ifndef TALLYBUS_SPOOL_H_
#define TALLYBUS_SPOOL_H_

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/ingress.h"
#include "tallybus/policy.h"
#include "tallybus/route.h"

namespace tallybus {

using SpoolSeq = uint64_t;  // from 1, given by the router, in order of acceptance

// One event for one route with the decision that was frozen at acceptance. Immutable.
struct SpoolRow {
  SpoolSeq seq = 0;
  EventPtr event;
  RoutePtr route;
  std::string lane;
  uint64_t lane_sequence = 0;
  FieldSetPtr exclude;
  OnError on_error = OnError::kLog;
};
using SpoolRowPtr = std::shared_ptr<const SpoolRow>;

// One transaction.
struct SpoolBatch {
  std::vector<SpoolRowPtr> rows;
  std::vector<Watermark> watermarks;
  std::vector<SessionChange> sessions;
};

// Says that a row is done; only a definite outcome settles.
struct Settlement {
  enum class Outcome { kDelivered, kFailed, kGivenUp };
  SpoolSeq seq = 0;
  Outcome outcome = Outcome::kDelivered;
};

class SpoolEvents {
 public:
  virtual ~SpoolEvents() = default;
  // [any thread] In the order of Append; may come before Append returns.
  virtual void OnCommitted(SpoolBatch batch) = 0;
  // [any thread] The rows that were asked for and still exist.
  virtual void OnLoaded(std::vector<SpoolRowPtr> rows) = 0;
  // [any thread] The store cannot take more for now, and why.
  virtual void OnFault(absl::Status status) = 0;
};

// Never blocks; results come back through SpoolEvents.
class Spool {
 public:
  virtual ~Spool() = default;
  virtual void Start(SpoolEvents& events) = 0;                   // [control] before any other call
  virtual void Append(SpoolBatch batch) = 0;                     // [router]
  virtual void Settle(std::span<const Settlement> settled) = 0;  // [router]
  virtual void Load(std::span<const SpoolSeq> wanted) = 0;       // [router]
  virtual size_t UsedBytes() const = 0;                          // [any thread]
  virtual size_t MaxBytes() const = 0;                           // [any thread]
};

// Keeps everything in memory, up to max_bytes; forgets it with the process.
std::unique_ptr<Spool> NewMemorySpool(size_t max_bytes);

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_H_
