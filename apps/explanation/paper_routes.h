// A configuration's routes over transports that go nowhere, to ask what would become of an event.
#ifndef TALLYBUS_APPS_EXPLANATION_PAPER_ROUTES_H_
#define TALLYBUS_APPS_EXPLANATION_PAPER_ROUTES_H_

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "apps/tallybusd/config/config.h"
#include "tallybus/rehearsal.h"
#include "tallybus/route.h"
#include "tallybus/transport_registry.h"

namespace tallybus {

// [any thread] once it is made.
class PaperRoutes {
 public:
  // Errors are those of MakeRoutes.
  static absl::StatusOr<PaperRoutes> Make(const config::Config& config,
                                          const TransportRegistry& registry);

  const RouteTable& table() const { return table_; }
  // Of a route of this table: "rest"; empty where the app has no backend.
  std::string SchemeOf(const Route& route) const;

 private:
  PaperRoutes() = default;

  std::map<std::string, std::unique_ptr<Transport>> nowhere_;  // by scheme
  RouteTable table_;
};

// The event's object as a target gets it, whatever its format wraps around it.
std::string ObjectFor(const Target& target, const Event& event);
// A route that only rehearses, as if it were none.
Target AsTarget(const RoutePtr& rehearsed);
// The event's object as its clients get it; of one that is for_clients.
std::string ObjectForClients(const Rehearsal& decision, const Event& event);

// Why a route that is no app's own does not take an event that it does not take.
std::string WhyNotTaken(const Route& route, const Event& event);
// Why the app's own route does not get it; empty: it does.
std::string WhyNoBackend(AtBackend backend, const Event& event);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_EXPLANATION_PAPER_ROUTES_H_
