// What needs a person: each alert is fired once and resolved once, as an event, a log line and a
// gauge.
#ifndef TALLYBUS_ALERTS_H_
#define TALLYBUS_ALERTS_H_

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/event.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/spool_records.h"

namespace tallybus {

// What an alert says; the names are a fixed set, documented with their runbooks in
// docs/operations.md.
struct Alert {
  std::string name;                 // "BreakerOpen"
  std::string subject;              // of what: a route's name, a node, "spool"
  bool critical = true;             // events are kept from where they should go; else a warning
  std::string text;                 // one sentence
  std::optional<uint64_t> waiting;  // events, where they are counted
  absl::Time oldest = absl::InfiniteFuture();  // of those; infinite: none
};

// [router]
class Alerts {
 public:
  Alerts(Log& log, Metrics& metrics, std::string node_id);

  // Begins it; where it is on already, its words and numbers are renewed, and nobody is told. `now`
  // is the wall clock's.
  void Raise(const Alert& alert, absl::Time now);
  void Resolve(const std::string& name, const std::string& subject, absl::Time now);
  void Set(bool on, const Alert& alert, absl::Time now);

  // The events of what began or ended since the last call, each with the route that it must not go
  // to.
  struct Told {
    Event event;
    std::string about;
    AlertRecord record;  // for the spool, with the event
  };
  std::vector<Told> Take() { return std::exchange(told_, {}); }

  // One that an earlier process left on: it stays as it is until it is raised or resolved.
  void Restore(const AlertRecord& record);
  // Resolves those that an earlier process left on and this one has not seen, but for those that
  // `stays` names.
  void ResolveUnseen(const std::function<bool(const Alert&)>& stays, absl::Time now);

  struct Active {
    Alert alert;
    absl::Time since;
    bool seen = true;  // false: by an earlier process alone
  };
  std::vector<Active> active() const;

 private:
  Gauge& GaugeOf(const Alert& alert);
  void Tell(const Active& active, bool resolved, absl::Time now);

  Log& log_;
  Metrics& metrics_;
  const std::string node_id_;
  std::map<std::pair<std::string, std::string>, Active> active_;  // by name and subject
  std::vector<Told> told_;
};

}  // namespace tallybus

#endif  // TALLYBUS_ALERTS_H_
