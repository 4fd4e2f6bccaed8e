// With one endpoint each question goes straight through. With several, the first that may take the
// event has it, in the order of the route or by turns.
#include "delivery/route_gate.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "tallybus/stable_hash.h"

namespace tallybus {
namespace {

using Decided = EndpointDecision::State;

bool IsGo(Permit permit) {
  return permit == Permit::kGo || permit == Permit::kProbe || permit == Permit::kMethodProbe;
}

// An URL may hold a secret, its hash none.
std::string HashOf(std::string_view url) {
  return absl::StrCat(absl::Hex(StableHash(url), absl::kZeroPad16));
}

// What several that do not take it say as one: another method may go where one holds this one.
Permit Together(Permit one, Permit other) {
  for (const Permit stronger : {Permit::kMethodHeld, Permit::kWait}) {
    if (one == stronger || other == stronger) return stronger;
  }
  return Permit::kDisabled;
}

}  // namespace

RouteGate::RouteGate(int max_connections, uint64_t jitter_seed)
    : max_connections_(max_connections), seed_(jitter_seed) {
  members_.push_back(NewMember());
}

std::unique_ptr<RouteGate::Member> RouteGate::NewMember() {
  ++last_id_;
  return std::make_unique<Member>(last_id_, max_connections_, seed_ + last_id_ - 1);
}

// The one of this URL, or one at this place that had none yet; nullptr: none.
std::unique_ptr<RouteGate::Member> RouteGate::Take(std::string_view url, size_t place) {
  for (std::unique_ptr<Member>& member : members_) {
    if (member != nullptr && member->url == url) return std::move(member);
  }
  if (place >= members_.size() || members_[place] == nullptr) return nullptr;
  return members_[place]->url.empty() ? std::move(members_[place]) : nullptr;
}

bool RouteGate::SetEndpoints(const Route& route, MonoTime now) {
  pick_ = route.pick;
  max_connections_ = route.endpoint.max_connections;
  const size_t count = route.endpoint_count();
  std::vector<std::string> before;
  for (const std::unique_ptr<Member>& member : members_) before.push_back(member->url);
  if (members_.size() > 1 || count > 1) {
    SetMembers(route, now);
  } else {
    members_[0]->url = route.endpoint.url;
  }
  for (size_t i = 0; i < count; ++i) {
    Member& member = *members_[i];
    member.gate.SetMaxConnections(max_connections_,
                                  route.transport == nullptr ? 0 : route.transport->most_ahead());
    const auto restored = restored_.find(HashOf(member.url));
    if (restored == restored_.end()) continue;
    member.gate.Restore(std::move(restored->second), now);
    restored_.erase(restored);
  }
  if (before.size() == 1 && count == 1) return false;
  const auto same = [](const std::string& url, const auto& member) { return url == member->url; };
  return !std::equal(before.begin(), before.end(), members_.begin(), members_.end(), same);
}

void RouteGate::SetMembers(const Route& route, MonoTime now) {
  const absl::Duration own = OwnTime("", now);
  std::vector<std::unique_ptr<Member>> today;
  for (size_t i = 0; i < route.endpoint_count(); ++i) {
    const std::string& url = route.endpoint_at(i).url;
    std::unique_ptr<Member> member = Take(url, i);
    if (member == nullptr) member = NewMember();
    member->url = url;
    today.push_back(std::move(member));
  }
  for (const std::unique_ptr<Member>& gone : members_) {
    if (gone != nullptr) alarms_of_gone_ += gone->gate.alarms_version() + 1;
  }
  members_ = std::move(today);
  own_before_ += own - OwnTime("", now);
}

RouteGate::Choice RouteGate::Choose(std::string_view method, MonoTime now, uint32_t avoid) const {
  if (members_.size() == 1) return {members_[0]->gate.Ask(method, now)};
  Choice none = {Permit::kDisabled};
  std::optional<Choice> last_resort;
  for (size_t i = 0; i < members_.size(); ++i) {
    const size_t place = pick_ == Pick::kRoundRobin ? (next_ + i) % members_.size() : i;
    const Member& member = *members_[place];
    const Permit permit = member.gate.Ask(method, now);
    const bool avoided = member.id == avoid;
    if (IsGo(permit) && !avoided) return {permit, place};
    if (IsGo(permit)) {
      last_resort = {permit, place};
      continue;
    }
    none.permit = Together(none.permit, permit);
    // It is busy, not ill: nothing goes past it.
    const bool busy = permit == Permit::kWait && !member.gate.InOutage(method, now);
    if (busy && pick_ == Pick::kFirstHealthy && !avoided) break;
  }
  return last_resort.value_or(none);
}

RoutePass RouteGate::Start(Permit permit, std::string_view method, MonoTime now, uint32_t avoid) {
  const size_t place = Choose(method, now, avoid).place;
  next_ = place + 1;
  Member& member = *members_[place];
  return {member.gate.Start(permit, method, now), member.id, place};
}

void RouteGate::Finish(const RoutePass& pass, std::string_view method, const EndpointSign& sign,
                       MonoTime now) {
  if (Member* member = Find(pass.gate)) member->gate.Finish(pass.pass, method, sign, now);
}

void RouteGate::TakeBack(const RoutePass& pass) {
  if (Member* member = Find(pass.gate)) member->gate.TakeBack(pass.pass);
}

// nullptr: it went with a reload.
RouteGate::Member* RouteGate::Find(uint32_t gate) {
  for (const std::unique_ptr<Member>& member : members_) {
    if (member->id == gate) return member.get();
  }
  return nullptr;
}

std::optional<MonoTime> RouteGate::NextDue(MonoTime now) const {
  std::optional<MonoTime> due;
  for (const std::unique_ptr<Member>& member : members_) {
    const std::optional<MonoTime> next = member->gate.NextDue(now);
    if (next && (!due || *next < *due)) due = next;
  }
  return due;
}

absl::Duration RouteGate::OwnTime(std::string_view method, MonoTime now) const {
  return own_before_ + MeanOwnTime(method, now);
}

absl::Duration RouteGate::MeanOwnTime(std::string_view method, MonoTime now) const {
  absl::Duration sum;
  for (const std::unique_ptr<Member>& member : members_) sum += member->gate.OwnTime(method, now);
  return sum / static_cast<int64_t>(members_.size());
}

bool RouteGate::InOutage(std::string_view method, MonoTime now) const {
  return std::all_of(members_.begin(), members_.end(),
                     [&](const auto& member) { return member->gate.InOutage(method, now); });
}

int RouteGate::Room(MonoTime now) const {
  int room = 0;
  for (const std::unique_ptr<Member>& member : members_) {
    if (members_.size() > 1 && member->gate.InOutage("", now)) continue;
    room += std::max(0, member->gate.limit() - member->gate.in_flight());
  }
  return room;
}

void RouteGate::ReleaseMethods(MonoTime now) {
  for (const std::unique_ptr<Member>& member : members_) member->gate.ReleaseMethods(now);
}

uint64_t RouteGate::alarms_version() const {
  uint64_t sum = alarms_of_gone_;
  for (const std::unique_ptr<Member>& member : members_) sum += member->gate.alarms_version();
  return sum;
}

bool RouteGate::Resume(MonoTime now) {
  bool any = false;
  for (const std::unique_ptr<Member>& member : members_) any |= member->gate.Resume(now);
  return any;
}

bool RouteGate::Enable(MonoTime now) {
  bool any = false;
  for (const std::unique_ptr<Member>& member : members_) any |= member->gate.Enable(now);
  return any;
}

EndpointDecision::State RouteGate::decided() const {
  bool paused = false;
  for (const std::unique_ptr<Member>& member : members_) {
    const Decided state = member->gate.decision().state;
    if (state == Decided::kOpen) return state;
    paused |= state == Decided::kPaused;
  }
  return paused ? Decided::kPaused : Decided::kDisabled;
}

void RouteGate::Restore(std::string_view key, EndpointDecision decision, MonoTime now) {
  const size_t mark = key.rfind('#');
  if (mark == key.npos) return members_[0]->gate.Restore(std::move(decision), now);
  const std::string_view hash = key.substr(mark + 1);
  for (const std::unique_ptr<Member>& member : members_) {
    if (HashOf(member->url) == hash) return member->gate.Restore(std::move(decision), now);
  }
  restored_[std::string(hash)] = std::move(decision);
}

std::string RouteGate::NameOf(std::string_view route, size_t place) const {
  if (members_.size() == 1) return std::string(route);
  return absl::StrCat(absl::string_view(route.data(), route.size()), "#", place + 1);
}

std::string RouteGate::KeyOf(std::string_view route, size_t place) const {
  if (members_.size() == 1) return std::string(route);
  return absl::StrCat(absl::string_view(route.data(), route.size()), "#",
                      HashOf(members_[place]->url));
}

std::string_view RouteOfEndpoint(std::string_view key) { return key.substr(0, key.rfind('#')); }

std::pair<std::string_view, std::optional<size_t>> SplitEndpointName(std::string_view name) {
  const size_t mark = name.rfind('#');
  uint32_t place = 0;
  if (mark == name.npos) return {name, std::nullopt};
  const std::string_view digits = name.substr(mark + 1);
  if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &place) || place == 0) {
    return {name, std::nullopt};
  }
  return {name.substr(0, mark), place - 1};
}

}  // namespace tallybus
