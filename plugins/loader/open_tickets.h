// Which attempts a plugin has, which it has had, and what of them it may still be reading.
#ifndef TALLYBUS_PLUGINS_LOADER_OPEN_TICKETS_H_
#define TALLYBUS_PLUGINS_LOADER_OPEN_TICKETS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plugins/loader/delivery_copy.h"
#include "tallybus/clock.h"
#include "tallybus/transport.h"

namespace tallybus::loader {

// One thread at a time. Bounded: what is open by the router; what was given up, by HasRoom; what
// was completed is remembered for the last thousands alone.
class OpenTickets {
 public:
  static constexpr size_t kMostLate = 4096;
  static constexpr size_t kMostLateBytes = size_t{64} << 20;
  static constexpr size_t kMostDone = 8192;
  static constexpr size_t kMostResting = 1024;
  static constexpr size_t kMostRestingBytes = size_t{4} << 20;

  // False: a plugin that never completes holds too much, and gets no more.
  bool HasRoom() const { return late_.size() < kMostLate && late_bytes_ < kMostLateBytes; }
  bool empty() const { return open_.empty(); }
  bool has_late() const { return !late_.empty(); }
  void Add(std::unique_ptr<DeliveryCopy> delivery, MonoTime deadline);

  enum class Was { kOpen, kLate, kDone, kUnknown };
  // What the ticket was, and no longer is. `delivery` is of one that was open or late.
  Was Take(Ticket ticket, std::unique_ptr<DeliveryCopy>* delivery);

  // Keeps what is done for a while: one that completes twice reads its delivery once more.
  void Rest(std::unique_ptr<DeliveryCopy> delivery);

  // Gives up what was to be completed by `time`; its memory stays until the plugin is done.
  std::vector<Ticket> GiveUp(MonoTime time = MonoTime::Infinite());

 private:
  struct Open {
    std::unique_ptr<DeliveryCopy> delivery;
    MonoTime deadline;
  };
  void Remember(Ticket ticket);

  std::unordered_map<Ticket, Open> open_;
  MonoTime earliest_ = MonoTime::Infinite();  // no deadline in open_ is before it
  std::unordered_map<Ticket, std::unique_ptr<DeliveryCopy>> late_;
  size_t late_bytes_ = 0;
  std::deque<std::unique_ptr<DeliveryCopy>> resting_;
  size_t resting_bytes_ = 0;
  std::unordered_set<Ticket> done_;
  std::deque<Ticket> done_in_order_;
};

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_OPEN_TICKETS_H_
