// The attempts that transports are making: one slot a ticket, which is also the place reserved for
// its completion.
#ifndef TALLYBUS_DELIVERY_IN_FLIGHT_H_
#define TALLYBUS_DELIVERY_IN_FLIGHT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/route_gate.h"
#include "tallybus/metrics.h"
#include "tallybus/spool.h"
#include "tallybus/transport.h"

namespace tallybus {

class Batch;

// What one attempt refers to; it stays where it is until its ticket completes.
struct Attempt {
  SpoolRowPtr row;  // nullptr where it is a batch's
  RoutePtr route;   // today's route of that name: its endpoints and transport
  std::string_view lane_key;
  LaneId lane = 0;  // that it is the head of: a stray's is not its row's
  RoutePass pass;
  int number = 1;
  bool redelivery = false;
  bool reordered = false;
  MonoTime deadline;
  uint64_t test = 0;                  // not 0: by hand or a call, of no lane
  bool is_call = false;               // the backend may refuse it
  std::shared_ptr<Batch> batch = {};  // what follows belongs to it
  std::vector<Parcel> parcels = {};
  bool want_answer = false;  // though its row is not under FAIL
  bool ahead = false;        // it waits in the transport for a connection
};

// It refers into the row, which has an event.
Parcel ParcelOf(const SpoolRow& row, std::string_view lane_key, int number, bool redelivery,
                bool reordered);

class InFlight {
 public:
  struct Completed {
    Attempt attempt;
    DeliveryResult result;
  };

  // `wake` is called on the completing thread when there was nothing to drain before.
  InFlight(std::function<void()> wake, Counter& stray);

  // [owner] The delivery refers into the slot.
  Delivery Open(Attempt attempt);
  // [any thread] See DeliverySink.
  void Complete(std::span<Completion> done);
  void Complete(Ticket ticket, DeliveryResult result) {
    Completion done{ticket, std::move(result)};
    Complete({&done, 1});
  }
  // [owner] Gives up on tickets whose deadline is before `before` and appends what they were for,
  // with an empty result. What they refer to stays until the late completion comes.
  void TakeOverdue(MonoTime before, std::vector<Completed>* out);
  // [owner] What completed since the last call.
  void Drain(std::vector<Completed>* out);
  // [owner] Tickets that are open.
  size_t open() const { return open_; }

 private:
  enum class State { kFree, kOpen, kAbandoned };
  struct Slot {
    uint32_t generation = 0;
    State state = State::kFree;
    Attempt attempt;
    std::optional<Parcel> parcel;  // where it is no batch
  };
  Slot* Find(Ticket ticket, State state);  // under mutex_
  void Free(uint32_t index);               // under mutex_

  const std::function<void()> wake_;
  Counter& stray_;
  size_t open_ = 0;
  std::mutex mutex_;
  std::deque<Slot> slots_;  // grows at its end only: slots keep their addresses
  std::vector<uint32_t> free_;
  std::vector<Completed> completed_;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_IN_FLIGHT_H_
