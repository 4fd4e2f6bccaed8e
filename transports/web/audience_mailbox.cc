// Two counters of what waits; the order is the mailbox's.
#include "transports/web/audience_mailbox.h"

#include <limits>
#include <utility>

namespace tallybus {
namespace {

// Events have a bound of their own; what lives must come through.
constexpr size_t kNoBound = std::numeric_limits<size_t>::max();

}  // namespace

AudienceMailbox::AudienceMailbox(const Limits& limits, std::function<void()> wake)
    : limits_(limits), mailbox_(kNoBound, std::move(wake)) {}

void AudienceMailbox::PutEvent(ClientMessagePtr message) {
  const size_t bytes = message->Bytes();
  if (events_.load(std::memory_order_relaxed) >= limits_.events ||
      bytes_.load(std::memory_order_relaxed) + bytes > limits_.bytes) {
    return NoteLost();
  }
  events_.fetch_add(1, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  AudienceItem item;
  item.message = std::move(message);
  Put(std::move(item));
}

void AudienceMailbox::PutFound(uint64_t pass, std::vector<LiveStreams> found) {
  AudienceItem item;
  item.pass = pass;
  item.found = std::move(found);
  Put(std::move(item));
}

void AudienceMailbox::Put(AudienceItem item) {
  told_lost_ = item.lost;
  (void)mailbox_.Push(std::move(item));  // never full, see kNoBound
}

// At its place among all that is put, and at once: nothing may come after it. One says it for all
// that is lost until it is taken or something else is put, so it needs no bound.
void AudienceMailbox::NoteLost() {
  if (told_lost_ && losses_taken_.load(std::memory_order_acquire) < losses_put_) return;
  ++losses_put_;
  AudienceItem item;
  item.lost = true;
  Put(std::move(item));
}

void AudienceMailbox::Drain(std::vector<AudienceItem>* out) {
  mailbox_.Drain(out);
  for (const AudienceItem& item : *out) {
    if (item.lost) losses_taken_.fetch_add(1, std::memory_order_release);
    if (!item.message) continue;
    events_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(item.message->Bytes(), std::memory_order_relaxed);
  }
}

}  // namespace tallybus
