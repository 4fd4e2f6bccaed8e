// One attempt after another by the daemon's own REST transport, without a daemon.
#ifndef TALLYBUS_APPS_TALLYBUS_SINGLE_SENDER_H_
#define TALLYBUS_APPS_TALLYBUS_SINGLE_SENDER_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <future>
#include <memory>
#include <optional>
#include <span>

#include "apps/explanation/sample_events.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/transport.h"

namespace tallybus::cli {

// How a request differs from the first one of its event.
struct Manner {
  bool duplicate = false;  // a second attempt at what may have arrived
  bool reordered = false;
  absl::Duration signed_ago = absl::ZeroDuration();
};

struct Attempted {
  DeliveryResult result;
  absl::Duration took;
};

// [owner] Send blocks, at most for the endpoint's timeout.
class SingleSender final : private DeliverySink {
 public:
  // What is wrong with the endpoint, in one line without its secrets.
  static absl::Status Check(const Endpoint& endpoint);

  SingleSender();
  ~SingleSender() override;
  // One request: of several samples where the endpoint's format is of batches.
  Attempted Send(const Endpoint& endpoint, std::span<const Sample> samples, const Manner& manner);

 private:
  // Tells the transport of another time of day.
  class ShiftedClock final : public Clock {
   public:
    MonoTime Now() const override { return clock_.Now(); }
    absl::Time WallNow() const override { return clock_.WallNow() - ago; }
    absl::Duration ago = absl::ZeroDuration();  // not while an attempt is open

   private:
    SystemClock clock_;
  };
  class NoLog final : public Log {
    void Write(LogLevel, std::string_view) override {}
  };

  void Complete(Ticket ticket, DeliveryResult result) override;

  ShiftedClock clock_;
  Metrics metrics_;
  NoLog log_;
  absl::Status started_;
  std::promise<DeliveryResult> done_;
  uint64_t last_ = 0;  // ticket
  std::unique_ptr<Transport> transport_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_SINGLE_SENDER_H_
