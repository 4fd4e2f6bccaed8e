// The reference transport and the test double: its peer is an object in this process.
#ifndef TALLYBUS_MEMORY_MEMORY_TRANSPORT_H_
#define TALLYBUS_MEMORY_MEMORY_TRANSPORT_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"

namespace tallybus::memory {

// An event as the peer saw it. A copy: it outlives the attempt.
struct Received {
  std::string url;
  Event event;
  std::string body;
  std::string lane;
  uint64_t lane_sequence;
  int attempt;
  bool redelivery;
};

// What a peer does with one delivery, of a batch by its first event; none: it never answers.
using Behaviour = std::function<std::optional<DeliveryResult>(const Received&)>;
Behaviour Accept();
Behaviour Refuse();  // nobody listens
Behaviour Hang();
Behaviour Reject();
Behaviour Overload(absl::Duration hint);

// [any thread] Keeps what arrived, up to `capacity` deliveries; what comes beyond is answered as
// ever and counted.
class Recorder {
 public:
  explicit Recorder(size_t capacity = 100'000, Behaviour behaviour = Accept());

  void Behave(Behaviour behaviour);  // from the next delivery on
  std::vector<Received> All() const;
  size_t not_kept() const;

  // [transport] Each event of a batch by itself. A refusing or hanging peer has received nothing,
  // so only an answer is recorded.
  std::optional<DeliveryResult> Receive(const Delivery& delivery);

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  Behaviour behaviour_;
  std::vector<Received> all_;
  size_t not_kept_ = 0;
};

// Scheme "memory"; `recorder` outlives every transport that the descriptor creates. Any address
// that begins with "memory:" will do.
TransportDescriptor MemoryDescriptor(Recorder& recorder);

// Answers within Deliver; what the peer leaves unanswered is completed at its deadline by a thread
// that looks at the context's clock every few milliseconds, so a manual clock works too.
class MemoryTransport final : public Transport {
 public:
  MemoryTransport(const TransportContext& context, Recorder& recorder);
  ~MemoryTransport() override;

  absl::Status Start() override;
  void Deliver(std::span<const Delivery> deliveries) override;
  void Stop(MonoTime deadline) override;

 private:
  struct Unanswered {
    Ticket ticket;
    MonoTime deadline;
  };
  void Watch();
  std::vector<Unanswered> TakeExpired(MonoTime now);

  const TransportContext context_;
  Recorder& recorder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Unanswered> unanswered_;  // bounded by the tickets that the router opens
  bool running_ = false;
  std::optional<MonoTime> stop_at_;
  std::thread watcher_;
};

}  // namespace tallybus::memory

#endif  // TALLYBUS_MEMORY_MEMORY_TRANSPORT_H_
