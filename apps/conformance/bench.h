// A transport on its own: a sink that remembers every completion, and the means to hand deliveries.
#ifndef TALLYBUS_APPS_CONFORMANCE_BENCH_H_
#define TALLYBUS_APPS_CONFORMANCE_BENCH_H_

#include <absl/status/status.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"

namespace tallybus::conformance {

class RecordingSink final : public DeliverySink {
 public:
  void Complete(Ticket ticket, DeliveryResult result) override;

  // The first completion of this ticket; none where it does not come within a minute.
  std::optional<DeliveryResult> WaitFor(Ticket ticket) const;
  // Until so many tickets are completed; false after a minute.
  bool WaitForTickets(size_t count) const;
  // How often this ticket was completed so far.
  int Completions(Ticket ticket) const;
  size_t total() const;  // completions of all tickets

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<Ticket, std::vector<DeliveryResult>> results_;
};

// An endpoint of route "defaultApp/backend".
Endpoint EndpointAt(std::string url, uint64_t id = 1);

class SilentLog final : public Log {
 public:
  void Write(LogLevel, std::string_view) override {}
};

// Everything that a transport lives on, and the means to hand it deliveries.
class Bench {
 public:
  explicit Bench(const TransportDescriptor& descriptor, int threads = 2);
  ~Bench();
  // Whether the transport could be created and started; where not, nothing else may be called.
  const absl::Status& status() const { return status_; }

  struct Options {
    std::string body = R"({"status":"PUBLISHING"})";
    std::string lane = "defaultApp/b4e7";
    std::string method = "StreamStatusEvent";
    uint64_t lane_sequence = 1;
    int attempt = 1;
    bool redelivery = false;
    bool from_router = false;
    bool want_answer = false;
    bool ahead = false;
    bool is_call = false;
    absl::Duration timeout = absl::Seconds(10);
  };
  // One attempt. What it refers to lives as long as the bench.
  Ticket Deliver(const Endpoint& endpoint, const Options& options);
  Ticket Deliver(const Endpoint& endpoint) { return Deliver(endpoint, Options()); }
  // One Deliver call with `count` attempts, each in a lane of its own; {n} in the body is its
  // number.
  std::vector<Ticket> DeliverMany(const Endpoint& endpoint, size_t count, const Options& options);
  // One attempt, and what came of it; none where nothing does.
  std::optional<DeliveryResult> TryAndWait(const Endpoint& endpoint, const Options& options);
  std::optional<DeliveryResult> TryAndWait(const Endpoint& endpoint) {
    return TryAndWait(endpoint, Options());
  }
  void Stop(absl::Duration patience) { transport().Stop(clock.Now() + patience); }
  Transport& transport() { return *transport_; }
  const Event& EventOf(Ticket ticket) const;

  SystemClock clock;
  Metrics metrics;
  SilentLog log;
  RecordingSink sink;

 private:
  struct Kept {
    Event event;
    std::string body;
    std::string lane;
    Endpoint endpoint;
    std::vector<Parcel> parcels;
  };
  Delivery Prepare(const Endpoint& endpoint, const Options& options);

  std::map<Ticket, std::unique_ptr<Kept>> kept_;
  uint64_t last_ticket_ = 0;
  absl::Status status_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace tallybus::conformance

#endif  // TALLYBUS_APPS_CONFORMANCE_BENCH_H_
