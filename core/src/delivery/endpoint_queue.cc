// Bodies are loaded for what can start soon, and for no more.
#include "delivery/endpoint_queue.h"

#include <algorithm>
#include <utility>

namespace tallybus {
namespace {

// How far loading runs ahead of the attempts, so that a disk's latency does not show.
constexpr size_t kAhead = 16;
// Heads that no attempt will judge are loaded so many at a time, to be told of and buried.
constexpr size_t kDoomedAtATime = 64;
// Ends among the heads are passed over; the next event that comes looks further.
constexpr size_t kLookedAtToShed = 64;

}  // namespace

EndpointQueue::EndpointQueue(std::string name, uint64_t seed, Metrics& metrics)
    : route(std::move(name)),
      gate(Endpoint().max_connections, seed),  // until its route says how many
      delivered(metrics.GetCounter("tallybus_events_delivered_total",
                                   "Events that the endpoint took", {{"route", route}})),
      failed(metrics.GetCounter("tallybus_events_failed_total",
                                "Events settled by an answer that was a failure",
                                {{"route", route}})),
      given_up(metrics.GetCounter("tallybus_events_given_up_total",
                                  "Events given up after their last attempt", {{"route", route}})),
      rejected(metrics.GetCounter("tallybus_events_rejected_total",
                                  "Events that the endpoint will never take, or takes no more",
                                  {{"route", route}})),
      shed(metrics.GetCounter("tallybus_events_shed_total",
                              "Events that went because the route's quota was full",
                              {{"route", route}})),
      coalesced(metrics.GetCounter("tallybus_events_coalesced_total",
                                   "Events that a newer one took the place of",
                                   {{"route", route}})),
      attempts(metrics.GetCounter("tallybus_attempts_total", "Attempts that were made",
                                  {{"route", route}})),
      attempts_failed(metrics.GetCounter("tallybus_attempts_failed_total", "Attempts that failed",
                                         {{"route", route}})),
      waiting_gauge(metrics.GetGauge("tallybus_route_waiting_events",
                                     "Events that are accepted and not settled",
                                     {{"route", route}})) {}

void EndpointQueue::AddReady(Lane& lane) {
  lane.state = Lane::State::kReady;
  lane.body = nullptr;
  if (lane.doomed) return ready_.push_front(&lane);
  ready_.push_back(&lane);
}

void EndpointQueue::AddLoaded(Lane& lane) {
  if (lane.state == Lane::State::kLoading) --loading_;
  lane.state = Lane::State::kLoaded;
  if (lane.doomed) return loaded_.push_front(&lane);
  loaded_.push_back(&lane);
}

Lane* EndpointQueue::TakeSheddable() {
  for (size_t i = std::min(ready_.size(), kLookedAtToShed); i > 0; --i) {
    Lane* lane = ready_.front();
    ready_.pop_front();
    const bool kept = lane->head.terminal || lane->head.replayed || lane->ephemeral;
    if (lane->state == Lane::State::kReady && !kept) return lane;
    ready_.push_back(lane);
  }
  return nullptr;
}

bool EndpointQueue::SetRoute(RoutePtr now, MonoTime at) {
  const bool batched = today != nullptr && today->batch.has_value();
  // What one address was asked says nothing of the other.
  if (today != nullptr && now != nullptr && now->batch.has_value() != batched) {
    gate.ReleaseMethods(at);
  }
  today = std::move(now);
  return today != nullptr && gate.SetEndpoints(*today, at);
}

// How many heads it makes sense to have in hand.
size_t EndpointQueue::Window(MonoTime now) const {
  if (Buries()) return kDoomedAtATime;
  if (!Sends()) return 0;
  const Permit permit = gate.Ask("", now);
  if (permit == Permit::kProbe) return 1;
  if (gate.InOutage("", now)) return 0;
  return kAhead + static_cast<size_t>(gate.Room(now));
}

bool EndpointQueue::TakesNewHead(MonoTime now) const {
  return ready_.empty() && loaded_.size() + loading_ < Window(now);
}

void EndpointQueue::PutDoomedFirst() {
  const auto doomed = [](const Lane* lane) { return lane->doomed; };
  for (auto& [method, held] : held_) {
    auto rest = std::stable_partition(held.lanes.begin(), held.lanes.end(), doomed);
    ready_.insert(ready_.begin(), held.lanes.begin(), rest);
    held.lanes.erase(held.lanes.begin(), rest);
  }
  std::stable_partition(ready_.begin(), ready_.end(), doomed);
}

Lane* EndpointQueue::NextToBatch() {
  DropVacant();
  return ready_.empty() || ready_.front()->doomed ? nullptr : ready_.front();
}

// One's turn may come before its row is committed: then it takes another.
void EndpointQueue::DropVacant() {
  while (!ready_.empty() && ready_.front()->state == Lane::State::kVacant) {
    ready_.front()->state = Lane::State::kIdle;
    ready_.pop_front();
  }
}

Lane* EndpointQueue::NextToLoad(MonoTime now) {
  if (ready_.empty()) return nullptr;
  if (SendsBatches() && !ready_.front()->doomed) return nullptr;
  const size_t window = ready_.front()->doomed && Sends() ? kDoomedAtATime : Window(now);
  if (loaded_.size() + loading_ >= window) return nullptr;
  DropVacant();
  if (ready_.empty()) return nullptr;
  Lane* lane = ready_.front();
  ready_.pop_front();
  lane->state = Lane::State::kLoading;
  ++loading_;
  return lane;
}

EndpointQueue::Start EndpointQueue::NextToStart(MonoTime now) {
  if (!Sends() && !Buries()) Unload();
  while (!loaded_.empty()) {
    Lane* lane = loaded_.front();
    if (lane->body->event == nullptr) {
      loaded_.pop_front();
      return {lane};
    }
    const std::string method = lane->body->event->method;
    if (lane->doomed) {
      loaded_.pop_front();
      if (auto held = held_.find(method); held != held_.end()) held->second.probing = false;
      return {lane};
    }
    Permit permit = gate.Ask(method, now, lane->tries.failed_at);
    const bool ahead = permit == Permit::kWait && gate.MayWaitAhead(method, now);
    if (ahead) permit = Permit::kGo;
    if (permit == Permit::kWait) {
      if (gate.InOutage("", now)) Unload();
      return {};
    }
    loaded_.pop_front();
    if (auto held = held_.find(method); held != held_.end()) held->second.probing = false;
    if (permit != Permit::kMethodHeld) return {lane, permit, ahead};
    lane->state = Lane::State::kReady;
    held_[method].lanes.push_back(lane);
    lane->body = nullptr;
  }
  return {};
}

void EndpointQueue::ReleaseHeld(MonoTime now) {
  if (SendsBatches() && !held_.empty()) {  // from before a reload: a batch asks for itself
    for (auto& [method, held] : held_) {
      ready_.insert(ready_.begin(), held.lanes.begin(), held.lanes.end());
    }
    held_.clear();
  }
  for (auto& [method, held] : held_) {
    const Permit permit = gate.Ask(method, now);
    if (permit == Permit::kMethodHeld || permit == Permit::kWait) {
      continue;
    }
    const bool probe = permit == Permit::kProbe || permit == Permit::kMethodProbe;
    if (probe && held.probing) continue;
    held.probing = probe;
    const size_t count = probe ? std::min<size_t>(1, held.lanes.size()) : held.lanes.size();
    for (size_t i = 0; i < count; ++i) {
      ready_.push_front(held.lanes.front());
      held.lanes.pop_front();
    }
  }
  std::erase_if(
      held_, [](const auto& entry) { return entry.second.lanes.empty() && !entry.second.probing; });
}

void EndpointQueue::Unload() {
  for (; !loaded_.empty(); loaded_.pop_back()) {
    Lane* lane = loaded_.back();
    lane->state = Lane::State::kReady;
    lane->body = nullptr;
    ready_.push_front(lane);
  }
}

}  // namespace tallybus
