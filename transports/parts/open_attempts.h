// The tickets that are open: each is completed once, by its answer, its deadline or the stop.
#ifndef TALLYBUS_PARTS_OPEN_ATTEMPTS_H_
#define TALLYBUS_PARTS_OPEN_ATTEMPTS_H_

#include <absl/status/status.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus::parts {

// The reasons of an attempt that got no answer; a client may read them.
inline constexpr char kConnectionRefused[] = "connection refused";
inline constexpr char kConnectionReset[] = "connection reset";
inline constexpr char kTimedOut[] = "timed out";
inline constexpr char kTlsFailure[] = "TLS failure";
inline constexpr char kHostNotFound[] = "host not found";

// kRetryLater, for one of the reasons above. `never_sent`: surely.
DeliveryResult NoAnswer(absl::Status status, std::string_view reason, bool never_sent);

class OpenAttempts {
 public:
  // What `context` refers to outlives it. The clock must run: waits are in real time.
  OpenAttempts(const TransportContext& context, std::string_view scheme);

  // [control]
  void Open();
  // [any thread] False: it was completed at once, since its deadline is past or nothing runs.
  bool Begin(const Delivery& delivery);
  // [any thread] Runs `read` while the ticket stays open, so that what its delivery refers to is
  // there. False: it is completed already, and nothing of the delivery may be touched. `read` does
  // not block and calls nothing of this object.
  bool Read(Ticket ticket, const std::function<void()>& read);
  // [any thread] Those that are not open any more are counted and dropped. The results are moved
  // from.
  void CompleteAll(std::span<Completion> done);
  void Complete(Ticket ticket, DeliveryResult result);

  // [one thread] Completes what is past its deadline, then waits for the next one, `longest` at
  // most, or until something is to be looked at. False: all is completed and nothing will come.
  bool Watch(absl::Duration longest);
  // [control] Nothing begins any more; what is open at `deadline` is given up with CANCELLED.
  void Stop(MonoTime deadline);
  // [control] Once Watch has ended: what still completes something is left alone, and may do so
  // when nothing of the context is there any more. It is dropped.
  void Sever();

 private:
  struct Attempt {
    MonoTime deadline;
    bool read = false;  // it may have been sent
  };
  using Attempts = std::unordered_map<Ticket, Attempt>;
  Attempts TakeOverdue(MonoTime now);
  void GiveUp(const Attempts& attempts, const absl::Status& status, std::string_view reason);

  const TransportContext context_;
  Counter& late_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Attempts open_;
  MonoTime first_deadline_ = MonoTime::Infinite();  // of all that are open, or an earlier time
  MonoTime stop_at_ = MonoTime::Infinite();
  bool running_ = false;
  bool stopped_ = false;
  bool severed_ = false;
};

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_OPEN_ATTEMPTS_H_
