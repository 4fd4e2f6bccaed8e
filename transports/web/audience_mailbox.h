// The way to the audience from the router's thread, bounded: what it has no room for is dropped,
// and told at its place.
#ifndef TALLYBUS_TRANSPORTS_WEB_AUDIENCE_MAILBOX_H_
#define TALLYBUS_TRANSPORTS_WEB_AUDIENCE_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "tallybus/mailbox.h"
#include "transports/web/audience.h"

namespace tallybus {

class AudienceMailbox {
 public:
  struct Limits {
    size_t events = 8192;
    size_t bytes = size_t{32} << 20;
  };

  // `wake` is called on the router's thread where the first item waits; it must not block.
  AudienceMailbox(const Limits& limits, std::function<void()> wake);

  // [router]
  void PutEvent(ClientMessagePtr message);
  // [router] Always comes through: who asked waits for it, and asks once at a time.
  void PutFound(uint64_t pass, std::vector<LiveStreams> found);
  // [web] Replaces *out by all that waits, in order.
  void Drain(std::vector<AudienceItem>* out);

 private:
  void Put(AudienceItem item);
  void NoteLost();

  const Limits limits_;
  std::atomic<size_t> events_{0};  // in the mailbox
  std::atomic<size_t> bytes_{0};
  bool told_lost_ = false;   // [router] what was put last says that events were lost
  uint64_t losses_put_ = 0;  // [router]
  std::atomic<uint64_t> losses_taken_{0};
  Mailbox<AudienceItem> mailbox_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_AUDIENCE_MAILBOX_H_
