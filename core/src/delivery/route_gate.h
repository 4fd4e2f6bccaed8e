// The gates of one route's endpoints as one: may an event go now, and to which of them?
#ifndef TALLYBUS_DELIVERY_ROUTE_GATE_H_
#define TALLYBUS_DELIVERY_ROUTE_GATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/endpoint_gate.h"
#include "tallybus/route.h"

namespace tallybus {

// Which gate an attempt took, and where its endpoint is in the route of that time. It comes back
// with the attempt.
struct RoutePass {
  Pass pass;
  uint32_t gate = 0;  // never that of another one; 0: none
  size_t endpoint = 0;
};

// [owner] Times never go back. One endpoint's state never touches another's.
class RouteGate {
 public:
  RouteGate(int max_connections, uint64_t jitter_seed);

  // A reload. A gate stays with its URL, and a lone one with its route. True: the endpoints have
  // other names or keys than before.
  bool SetEndpoints(const Route& route, MonoTime now);

  // As those of EndpointGate. `avoid` is where the event failed before: it goes elsewhere where it
  // may. A probe goes out even where another one is well, else nobody would hear that one is back.
  Permit Ask(std::string_view method, MonoTime now, uint32_t avoid = 0) const {
    return Choose(method, now, avoid).permit;
  }
  // As that of EndpointGate; of several none is asked, since one may be free before another.
  bool MayWaitAhead(std::string_view method, MonoTime now) const {
    return members_.size() == 1 && members_[0]->gate.MayWaitAhead(method, now);
  }
  RoutePass Start(Permit permit, std::string_view method, MonoTime now, uint32_t avoid = 0);
  void Finish(const RoutePass& pass, std::string_view method, const EndpointSign& sign,
              MonoTime now);
  void TakeBack(const RoutePass& pass);
  std::optional<MonoTime> NextDue(MonoTime now) const;
  // It runs at the share of endpoints that are well, and stands still where none is.
  absl::Duration OwnTime(std::string_view method, MonoTime now) const;
  bool InOutage(std::string_view method, MonoTime now) const;
  // How many attempts may begin at those that are well, or where there is one alone.
  int Room(MonoTime now) const;
  void ReleaseMethods(MonoTime now);
  uint64_t alarms_version() const;

  // By hand, of them all. False: of none.
  bool Resume(MonoTime now);
  bool Enable(MonoTime now);
  // The same for all; else, and where one is open, kOpen.
  EndpointDecision::State decided() const;

  // Each by itself, in the order of the route.
  size_t size() const { return members_.size(); }
  EndpointGate& operator[](size_t i) { return members_[i]->gate; }
  const EndpointGate& operator[](size_t i) const { return members_[i]->gate; }
  // What was decided before a restart, under this key; before or after SetEndpoints. It counts once
  // an endpoint has that key; of a lone endpoint's whole route, for the first.
  void Restore(std::string_view key, EndpointDecision decision, MonoTime now);
  // "billing", or "billing#2" where there are several.
  std::string NameOf(std::string_view route, size_t place) const;
  // Under which a decision is kept: as above, but by the URL's hash, since a place is another
  // endpoint's after a reload.
  std::string KeyOf(std::string_view route, size_t place) const;

 private:
  struct Member {
    Member(uint32_t number, int max_connections, uint64_t seed)
        : id(number), gate(max_connections, seed) {}

    const uint32_t id;
    std::string url;  // empty: not known yet
    EndpointGate gate;
  };
  struct Choice {
    Permit permit;
    size_t place = 0;
  };
  Choice Choose(std::string_view method, MonoTime now, uint32_t avoid) const;
  void SetMembers(const Route& route, MonoTime now);
  Member* Find(uint32_t gate);
  std::unique_ptr<Member> NewMember();
  std::unique_ptr<Member> Take(std::string_view url, size_t place);
  absl::Duration MeanOwnTime(std::string_view method, MonoTime now) const;

  std::vector<std::unique_ptr<Member>> members_;  // at least one
  Pick pick_ = Pick::kFirstHealthy;
  size_t next_ = 0;  // of those that take turns
  int max_connections_;
  uint64_t seed_;
  uint32_t last_id_ = 0;
  absl::Duration own_before_;  // so that a reload sets no clock back
  std::map<std::string, EndpointDecision, std::less<>> restored_;  // by hash, until it is met
  uint64_t alarms_of_gone_ = 0;
};

// A name of NameOf, taken apart: the route, and the place where one is named.
std::pair<std::string_view, std::optional<size_t>> SplitEndpointName(std::string_view name);
// The route of a key or a name.
std::string_view RouteOfEndpoint(std::string_view key);

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ROUTE_GATE_H_
