// Takes committed rows to their endpoints: lanes in order, endpoints side by side, failures again.
#ifndef TALLYBUS_DELIVERY_DISPATCHER_H_
#define TALLYBUS_DELIVERY_DISPATCHER_H_

#include <absl/container/flat_hash_map.h>

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

#include "delivery/backlog.h"
#include "delivery/batch.h"
#include "delivery/coalescing.h"
#include "delivery/endpoint_queue.h"
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

// What the dispatcher tells of; all of it on the router's thread.
class Outcomes {
 public:
  virtual ~Outcomes() = default;
  virtual void OnAttempt(const SpoolRow& row, int attempt) = 0;
  // Whether somebody waits for what the peer says of the row. Not asked of a batch's.
  virtual bool WantsAnswer(const SpoolRow& row) const = 0;
  // The body of an answer that was wanted, of an attempt that succeeded. OnSettled follows.
  virtual void OnAnswer(const SpoolRow& row, std::string_view answer) = 0;
  // One attempt at the row failed. `next`: when the next is due; nullopt: the failure is final.
  virtual void OnAttemptFailed(const SpoolRow& row, const Failure& failure,
                               std::optional<MonoTime> next) = 0;
  // The row will be tried no more, for a reason that is no attempt's.
  virtual void OnBuried(const SpoolRow& row, const Failure& failure) = 0;
  virtual void OnSettled(const Settlement& settlement) = 0;
  // The endpoint's state changed.
  virtual void OnEndpoint(const EndpointQueue& queue) = 0;
};

inline constexpr size_t kLongestReason = 256;  // bytes that are kept of an answer's phrase

// What the peer or the wire said; an abandoned ticket brings no words.
std::string_view PhraseOf(const DeliveryResult& result);

// What the spool is told of a row that a judgement ends.
Settlement SettlementOf(const Judgement& judgement, const DeliveryResult& result);
// Once the gate has heard of it: gone is one endpoint, and another of the route may take the event.
void TryElsewhereIfGone(const EndpointQueue& queue, Judgement* judgement);

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

  // Every route that there is now, by name: what waits goes where the route of its name points.
  // Rows of a route that is gone stay, until it comes back or they are dropped.
  void SetRoutes(std::map<std::string, RoutePtr, std::less<>> routes);

  // As an earlier process left it: lanes first, then rows in order.
  void Restore(const LaneRecord& lane);
  void Restore(const WaitingRow& row);
  void Restore(const EndpointRecord& endpoint);  // an empty state: none was decided

  // Gives the row its place: lane, number in it, and what it replaces; the counters go into the
  // batch. Makes room in the route's quota.
  void Place(const Route& route, std::string_view lane, SpoolRow* row, SpoolBatch* batch);
  // Takes a committed row.
  void Enqueue(const SpoolRowPtr& row);
  // Takes a row of the moment: it is tried at once, or (false) never.
  bool TryNow(const SpoolRowPtr& row);
  // Takes a row that was asked of the spool; one without an event is damaged there.
  void Loaded(const SpoolRowPtr& row);
  // [any thread] See DeliverySink.
  void Complete(std::span<Completion> done) { in_flight_.Complete(done); }

  // Judges what completed, settles it in the spool, and makes due lanes ready. True: it did work.
  bool Settle();
  // Loads and starts what its endpoint lets go.
  bool Dispatch();
  // When Settle is wanted next if nothing completes.
  std::optional<MonoTime> NextDue() const;
  // Takes the lanes whose counters are forgotten.
  std::vector<LaneId> TakeForgotten() { return std::exchange(forgotten_, {}); }

  // By hand: ends the back-off of all that waits for its next attempt there, before it is due. The
  // gate still says how many may go.
  void TryAtOnce(EndpointQueue& queue);
  using Tested = std::function<void(DeliveryResult, absl::Duration took)>;
  // Makes one attempt outside of all lanes, whatever the endpoint's state, at the endpoint at that
  // `place` of the route. FAILED_PRECONDITION: the route has no transport.
  absl::Status Test(EndpointQueue& queue, size_t place, Event event, Tested done);
  // The same for a call that the backend may refuse, in the name of its session; the result has
  // the answer. `done` may not call the dispatcher.
  absl::Status Ask(EndpointQueue& queue, Event call, Tested done);
  // When the oldest waiting event of each route was accepted.
  std::map<std::string, absl::Time> OldestWaiting() const;
  // Of a row's lane; empty where it is forgotten.
  std::string_view RouteOf(const SpoolRow& row);
  std::string_view KeyOf(const SpoolRow& row);
  absl::Duration TimeoutOf(const SpoolRow& row);
  // True where the row would not be tried for now: see EndpointGate.
  bool InOutage(const SpoolRow& row);

  // nullptr: no such route.
  EndpointQueue* FindQueue(std::string_view route);
  const std::map<std::string, EndpointQueue, std::less<>>& queues() const { return queues_; }
  // True while a route that is to block has its quota full.
  bool Blocks() const;

  // The number of the last row that was placed in a lane; 0 where none is known. Who is told
  // compares what comes with it: a lane at rest keeps its counter for as long as after an event.
  uint64_t LastSequence(std::string_view route, std::string_view lane);
  // Attempts made at a row so far; 0 where it is not at the head of its lane.
  int AttemptsOf(const SpoolRow& row);
  void StopRetries() { retries_stopped_ = true; }
  void StopDispatch() { dispatch_stopped_ = true; }
  bool is_stopped() const { return dispatch_stopped_; }
  void AddTotals(RouterTotals* totals) const;

 private:
  using Retry = std::pair<MonoTime, LaneId>;

  EndpointQueue& QueueOf(const std::string& route);
  void SetHead(Lane& lane, const Waiting& head, HeadTries tries);
  void BackOffUntil(Lane& lane, MonoTime due);
  void BeginTrying(Lane& lane, std::string_view method, MonoTime now);
  void BuryStray(const WaitingRow& row);
  void RestoreHead(Lane& lane, const WaitingRow& row, const Waiting& head);

  // In placing.cc.
  void Coalesce(Lane& lane, SpoolRow* row);
  bool TakeNewest(Lane& lane, SpoolSeq newer);
  bool SettleReplaced(EndpointQueue& queue, SpoolSeq committed);
  void KeepQuota(EndpointQueue& queue);
  void KeepQuotas();
  bool ShedOne(EndpointQueue& queue);

  // In settling.cc.
  void Judged(const InFlight::Completed& completed, MonoTime now);
  void Failed(const Lane& lane, const SpoolRow& row, int attempt, const DeliveryResult& result,
              std::optional<MonoTime> next);
  void TryAgain(Lane& lane, MonoTime due, const DeliveryResult& result, MonoTime now);
  void PutBack(Lane& lane, const DeliveryResult& result, MonoTime now);
  void TakeBack(Lane& lane, const RoutePass& pass);
  void NoteProgress(const Lane& lane, MonoTime due, MonoTime now);
  void TakeDueRetries(MonoTime now);
  void PassBy(Lane& lane, MonoTime due, MonoTime now);
  void Bury(Lane& lane, const SpoolRow& row, Settlement::Outcome outcome, std::string_view reason,
            MonoTime now);
  void SettleHead(Lane& lane, const SpoolRow& row, Settlement settlement, MonoTime now);
  void SettleRow(Lane& lane, const Waiting& what, const SpoolRow& row, int attempts,
                 Settlement&& settlement);
  void LogDeadLetter(const Lane& lane, const SpoolRow& row, const Settlement& settlement);
  void Advance(Lane& lane, MonoTime now);
  void CountOutcome(EndpointQueue& queue, const Settlement& settlement);
  void Discard(EndpointQueue& queue, const Waiting& row, Settlement::Outcome outcome);

  void Sweep(MonoTime now);
  void GiveUpOldHeads(MonoTime now);
  bool DispatchQueue(EndpointQueue& queue, MonoTime now);
  void OpenAttempt(const EndpointQueue::Start& start, MonoTime now);
  void CountAttempt(EndpointQueue& queue, const SpoolRow& row, int number);
  absl::Duration OwnTime(const Lane& lane, MonoTime now) const;
  absl::Status TryOutside(EndpointQueue& queue, Attempt attempt, Tested done);

  // In batching.cc.
  void EnqueueBatched(Lane& lane, const SpoolRowPtr& row);
  bool JoinBatch(Lane& lane, const SpoolRowPtr& row);
  void LoadedBatched(const SpoolRowPtr& row);
  bool DispatchBatches(EndpointQueue& queue, MonoTime now);
  bool MayFill(const EndpointQueue& queue, size_t bytes, MonoTime now) const;
  Batch& FillingBatch(EndpointQueue& queue, size_t bytes, MonoTime now);
  void AddToBatch(EndpointQueue& queue, Lane& lane, const SpoolRowPtr& body, MonoTime now);
  void AddRow(Batch& batch, Lane& lane, const Waiting& what, SpoolRowPtr body);
  bool SendNextBatch(EndpointQueue& queue, MonoTime now);
  void OpenAttempt(EndpointQueue& queue, const std::shared_ptr<Batch>& batch, Permit permit,
                   MonoTime now);
  void JudgedBatch(const InFlight::Completed& completed, MonoTime now);
  Trying TryingOf(const Batch::Row& row, const DeliveryResult& result, bool in_outage,
                  MonoTime now) const;
  void JudgeRow(Batch::Row& row, const InFlight::Completed& completed, bool in_outage,
                double random, MonoTime now);
  void NoteTried(Batch::Row& row, bool may_have_arrived, MonoTime now);
  void BuryDamaged(Batch::Row& row, MonoTime now);
  void SettleBatched(Batch::Row& row, Settlement settlement, MonoTime now);
  void NextPart(EndpointQueue& queue, const std::shared_ptr<Batch>& batch);
  void Dissolve(EndpointQueue& queue, Batch& batch, MonoTime now);
  bool DissolveAll(EndpointQueue& queue, MonoTime now);

  Parts parts_;
  LimitedLog failure_log_;
  LimitedLog given_up_log_;
  InFlight in_flight_;
  LaneTable lanes_;
  Backlog backlog_;
  Replaced replaced_;
  std::map<std::string, RoutePtr, std::less<>> routes_;
  std::map<std::string, EndpointQueue, std::less<>> queues_;  // by the route's name
  EndpointQueue* placed_in_ = nullptr;                        // of the last row that came in
  std::priority_queue<Retry, std::vector<Retry>, std::greater<>> retries_;
  std::minstd_rand random_;
  bool retries_stopped_ = false;
  bool dispatch_stopped_ = false;
  MonoTime swept_, aged_, dispatched_at_;
  absl::Time wall_now_;  // of this Settle or Dispatch: asking the clock for each row costs
  Gauge& waiting_gauge_;
  Gauge& in_flight_gauge_;
  Gauge& lanes_gauge_;
  Counter& damaged_;
  RouterTotals totals_;
  uint64_t unsettled_ = 0;
  uint64_t in_flight_events_ = 0;  // those tried by hand left out
  uint64_t batch_ = 0;
  absl::flat_hash_map<SpoolSeq, LaneId> loading_;
  absl::flat_hash_map<SpoolSeq, std::pair<Batch*, size_t>> loading_batched_;
  std::vector<InFlight::Completed> completed_;
  std::vector<Settlement> settled_;
  std::vector<Progress> progress_;
  std::vector<SpoolSeq> wanted_;
  std::vector<LaneId> forgotten_;
  std::map<Transport*, std::vector<Delivery>> deliveries_;
  std::map<uint64_t, Tested> tests_;  // by Attempt.test
  uint64_t last_test_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_DISPATCHER_H_
