// Slots with generations: a ticket that comes back twice or late finds another generation.
#include "delivery/in_flight.h"

#include <utility>

namespace tallybus {
namespace {

Ticket MakeTicket(uint32_t generation, uint32_t index) {
  return static_cast<Ticket>(uint64_t{generation} << 32 | index);
}
uint32_t IndexOf(Ticket ticket) { return static_cast<uint32_t>(static_cast<uint64_t>(ticket)); }
uint32_t GenerationOf(Ticket ticket) {
  return static_cast<uint32_t>(static_cast<uint64_t>(ticket) >> 32);
}

}  // namespace

Parcel ParcelOf(const SpoolRow& row, std::string_view lane_key, int number, bool redelivery,
                bool reordered) {
  return {.event = *row.event,
          .body = row.event->json,
          .lane = lane_key,
          .lane_sequence = row.lane_sequence,
          .attempt = number,
          .redelivery = redelivery,
          .reordered = reordered,
          .coalesced = row.coalesced};
}

InFlight::InFlight(std::function<void()> wake, Counter& stray)
    : wake_(std::move(wake)), stray_(stray) {}

Delivery InFlight::Open(Attempt attempt) {
  std::lock_guard lock(mutex_);
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.state = State::kOpen;
  slot.attempt = std::move(attempt);
  ++open_;
  const Attempt& a = slot.attempt;
  if (a.batch == nullptr) {
    slot.parcel.emplace(ParcelOf(*a.row, a.lane_key, a.number, a.redelivery, a.reordered));
  }
  return Delivery{
      .ticket = MakeTicket(++slot.generation, index),
      .parcels = a.batch == nullptr ? std::span<const Parcel>(&*slot.parcel, 1) : a.parcels,
      .endpoint = a.route->endpoint_at(a.pass.endpoint),
      .deadline = a.deadline,
      .want_answer = a.want_answer || (a.batch == nullptr && a.row->on_error == OnError::kFail),
      .is_call = a.is_call,
      .ahead = a.ahead};
}

InFlight::Slot* InFlight::Find(Ticket ticket, State state) {
  const uint32_t index = IndexOf(ticket);
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.generation == GenerationOf(ticket) && slot.state == state ? &slot : nullptr;
}

void InFlight::Free(uint32_t index) {
  slots_[index].state = State::kFree;
  slots_[index].attempt = Attempt();
  free_.push_back(index);
}

void InFlight::Complete(std::span<Completion> done) {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    const size_t before = completed_.size();
    for (Completion& each : done) {
      if (Slot* slot = Find(each.ticket, State::kOpen)) {
        completed_.push_back({std::move(slot->attempt), std::move(each.result)});
        Free(IndexOf(each.ticket));
      } else {
        stray_.Add();
        if (Find(each.ticket, State::kAbandoned) != nullptr) Free(IndexOf(each.ticket));
      }
    }
    first = before == 0 && !completed_.empty();
  }
  if (first && wake_) wake_();
}

void InFlight::TakeOverdue(MonoTime before, std::vector<Completed>* out) {
  std::lock_guard lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.state != State::kOpen || slot.attempt.deadline >= before) continue;
    slot.state = State::kAbandoned;
    out->push_back({slot.attempt, DeliveryResult()});
    --open_;
  }
}

void InFlight::Drain(std::vector<Completed>* out) {
  out->clear();
  std::lock_guard lock(mutex_);
  completed_.swap(*out);
  open_ -= out->size();
}

}  // namespace tallybus
