// What belongs to one route alone: the lanes that want to go, in turn, and the gate of its
// endpoints that lets them.
#ifndef TALLYBUS_DELIVERY_ENDPOINT_QUEUE_H_
#define TALLYBUS_DELIVERY_ENDPOINT_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "delivery/backlog.h"
#include "delivery/batch.h"
#include "delivery/lane.h"
#include "delivery/route_gate.h"
#include "tallybus/metrics.h"
#include "tallybus/route.h"

namespace tallybus {

// [owner] Lanes take turns by events: each has one under way, and comes to the end after it, so
// that a busy one starves no other (deficit round robin with a quantum of one event).
struct EndpointQueue {
  EndpointQueue(std::string name, uint64_t seed, Metrics& metrics);

  // nullptr: the route is gone, and what waits stays, unless the endpoint is disabled.
  // True: its endpoints are others, or in another order.
  bool SetRoute(RoutePtr now, MonoTime at);
  bool Rehearses() const { return today != nullptr && today->dry_run; }
  bool Sends() const { return today != nullptr && today->transport != nullptr && !today->dry_run; }
  // Whether what waits becomes a dead letter: that needs no route.
  bool Buries() const { return gate.decided() == EndpointDecision::State::kDisabled; }
  // Lanes then go into batches, but for those whose heads are doomed.
  bool SendsBatches() const { return Sends() && today->batch && !Buries(); }
  // The lane's head has no body yet.
  void AddReady(Lane& lane);
  // The lane's head is here with its body.
  void AddLoaded(Lane& lane);
  // Whether a new head with its body may go before others: nothing waits, and there is room.
  bool TakesNewHead(MonoTime now) const;
  // Takes a lane that is ready and whose head may be shed; nullptr: none of the next few.
  Lane* TakeSheddable();
  // The next lane that a batch may take; nullptr: none.
  Lane* NextToBatch();
  // Takes what NextToBatch said.
  void PopReady() { ready_.pop_front(); }
  // The next lane whose body is worth loading; nullptr: none for now. It is kLoading then.
  Lane* NextToLoad(MonoTime now);
  // Doomed heads need no endpoint that takes events: they go before all others. After some of
  // those that are ready became so.
  void PutDoomedFirst();
  struct Start {
    Lane* lane = nullptr;  // none for now
    Permit permit = Permit::kWait;
    bool ahead = false;  // it is to wait in the transport for a connection
  };
  // The next lane that may start. One whose body is damaged or whose head is doomed needs no
  // permit.
  Start NextToStart(MonoTime now);
  // Lets go of lanes whose method is held no more, and of one for each probe that is due.
  void ReleaseHeld(MonoTime now);
  // Puts back what is loaded: nothing will start for a while.
  void Unload();

  const std::string route;
  RoutePtr today;  // the route of this name; nullptr: none is configured
  RouteGate gate;
  Backlog::Sheddable sheddable;
  std::shared_ptr<Batch> filling;             // nullptr: none
  std::deque<std::shared_ptr<Batch>> closed;  // that wait for their bodies or their permit
  size_t bytes = 0;                           // of what is accepted and not settled
  size_t outdated_bytes = 0;                  // of them, those that a newer event took the place of
  size_t replayed_bytes = 0;  // of them, those that an operator asked for: no quota counts them
  size_t rows = 0;
  bool is_full = false;     // over its quota, until an eighth of it is free
  bool over_quota = false;  // the same, as it is told: it ends once a second at the most

  Counter& delivered;
  Counter& failed;
  Counter& given_up;
  Counter& rejected;
  Counter& shed;
  Counter& coalesced;
  Counter& attempts;
  Counter& attempts_failed;
  Gauge& waiting_gauge;

 private:
  size_t Window(MonoTime now) const;
  void DropVacant();

  std::deque<Lane*> ready_;
  std::deque<Lane*> loaded_;
  struct Held {
    std::deque<Lane*> lanes;  // without bodies
    bool probing = false;     // one of them went ahead to ask
  };
  std::map<std::string, Held, std::less<>> held_;  // by method
  size_t loading_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ENDPOINT_QUEUE_H_
