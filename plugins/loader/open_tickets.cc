// The ledger of a plugin's tickets.
#include "plugins/loader/open_tickets.h"

#include <algorithm>
#include <utility>

namespace tallybus::loader {

void OpenTickets::Add(std::unique_ptr<DeliveryCopy> delivery, MonoTime deadline) {
  const auto ticket = static_cast<Ticket>(delivery->c()->ticket);
  earliest_ = std::min(earliest_, deadline);
  open_.emplace(ticket, Open{std::move(delivery), deadline});
}

OpenTickets::Was OpenTickets::Take(Ticket ticket, std::unique_ptr<DeliveryCopy>* delivery) {
  if (auto open = open_.find(ticket); open != open_.end()) {
    *delivery = std::move(open->second.delivery);
    open_.erase(open);
    if (open_.empty()) earliest_ = MonoTime::Infinite();
    Remember(ticket);
    return Was::kOpen;
  }
  if (auto late = late_.find(ticket); late != late_.end()) {
    *delivery = std::move(late->second);
    late_.erase(late);
    late_bytes_ -= (*delivery)->bytes();
    Remember(ticket);
    return Was::kLate;
  }
  return done_.contains(ticket) ? Was::kDone : Was::kUnknown;
}

std::vector<Ticket> OpenTickets::GiveUp(MonoTime time) {
  std::vector<Ticket> given_up;
  if (earliest_ > time) return given_up;
  earliest_ = MonoTime::Infinite();
  for (auto it = open_.begin(); it != open_.end();) {
    auto& [ticket, open] = *it;
    if (open.deadline > time) {
      earliest_ = std::min(earliest_, open.deadline);
      ++it;
      continue;
    }
    given_up.push_back(ticket);
    late_bytes_ += open.delivery->bytes();
    late_.emplace(ticket, std::move(open.delivery));
    it = open_.erase(it);
  }
  return given_up;
}

void OpenTickets::Remember(Ticket ticket) {
  done_.insert(ticket);
  done_in_order_.push_back(ticket);
  if (done_in_order_.size() <= kMostDone) return;
  done_.erase(done_in_order_.front());
  done_in_order_.pop_front();
}

}  // namespace tallybus::loader
