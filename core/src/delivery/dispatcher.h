// Takes committed rows to their endpoints: lanes in order, endpoints side by side, failures again.
#ifndef TALLYBUS_DELIVERY_DISPATCHER_H_
#define TALLYBUS_DELIVERY_DISPATCHER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "delivery/in_flight.h"
#include "delivery/lane.h"
#include "policy/failure_policy.h"
#include "tallybus/clock.h"
#include "tallybus/error_event.h"
#include "tallybus/limited_log.h"
#include "tallybus/metrics.h"
#include "tallybus/router.h"
#include "tallybus/spool.h"

namespace tallybus {

class Outcomes {
 public:
  virtual ~Outcomes() = default;
  // [owner] One attempt at the row failed.
  virtual void OnFailure(const SpoolRow& row, const Failure& failure) = 0;
  // [owner] Nothing more will be tried.
  virtual void OnSettled(const SpoolRow& row) = 0;
};

// [owner] but for Complete.
class Dispatcher {
 public:
  struct Parts {
    const Clock& clock;
    Spool& spool;
    Metrics& metrics;
    Log& log;
    Outcomes& outcomes;
    std::function<void()> wake;
    uint64_t jitter_seed;
  };
  explicit Dispatcher(Parts parts);

  // The number of the next row of this lane.
  uint64_t NextSequence(const RoutePtr& route, std::string_view lane);
  // Takes a committed row.
  void Enqueue(const SpoolRowPtr& row);
  // Takes a row that was asked of the spool.
  void Loaded(const SpoolRowPtr& row);
  // [any thread] See DeliverySink.
  void Complete(Ticket ticket, DeliveryResult result) {
    in_flight_.Complete(ticket, std::move(result));
  }

  // Judges what completed, settles it in the spool, and makes due lanes ready. True: it did work.
  bool Settle();
  // Hands ready heads to their transports, within each endpoint's max_connections.
  bool Dispatch(const RouteTable& today);
  // When Settle is wanted next if nothing completes.
  std::optional<MonoTime> NextDue() const;

  // Attempts made at a row so far; 0 where it is not at the head of its lane.
  int AttemptsOf(const SpoolRow& row);
  void StopRetries() { retries_stopped_ = true; }
  void StopDispatch() { dispatch_stopped_ = true; }
  void AddTotals(RouterTotals* totals) const;

 private:
  using Retry = std::pair<MonoTime, Lane*>;

  EndpointQueue& QueueOf(const RoutePtr& route);
  void MakeReady(Lane& lane, SpoolRowPtr head);
  void Judged(const InFlight::Completed& completed, MonoTime now);
  void Failed(const SpoolRow& row, const Lane& lane, const DeliveryResult& result, bool final);
  void Advance(Lane& lane, const SpoolRow& settled, Settlement::Outcome outcome, MonoTime now);
  void TakeDueRetries(MonoTime now);
  void DispatchQueue(EndpointQueue& queue, const RouteTable& today, MonoTime now);
  void OpenAttempt(Lane& lane, const RoutePtr& route, MonoTime now);

  Parts parts_;
  LimitedLog failure_log_;
  LimitedLog given_up_log_;
  InFlight in_flight_;
  LaneTable lanes_;
  std::map<std::string, EndpointQueue, std::less<>> queues_;  // by the route's name
  std::priority_queue<Retry, std::vector<Retry>, std::greater<>> retries_;
  std::minstd_rand random_;
  bool retries_stopped_ = false;
  bool dispatch_stopped_ = false;
  MonoTime swept_;
  Gauge& waiting_gauge_;
  Gauge& in_flight_gauge_;
  Gauge& lanes_gauge_;
  RouterTotals totals_;
  uint64_t unsettled_ = 0;

  std::vector<InFlight::Completed> completed_;
  std::vector<Settlement> settled_;
  std::vector<SpoolSeq> wanted_;
  std::map<Transport*, std::vector<Delivery>> deliveries_;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_DISPATCHER_H_
