// A router whose one guaranteed route answers as a test says, and whose operator is Ann.
#ifndef TALLYBUS_TESTS_CORE_ROUTER_DESK_BENCH_H_
#define TALLYBUS_TESTS_CORE_ROUTER_DESK_BENCH_H_

#include <string>

#include "tests/core/router_bench.h"

namespace tallybus::testing {

inline constexpr char kBackend[] = "defaultApp/backend";

class RouterDeskBench : public RouterBench {
 protected:
  using Verb = Desk::Verb;

  RouterDeskBench() {
    auto route = NewRoute();
    route->delivery = DeliveryMode::kGuaranteed;
    SetRoute(route);
    transport.Run([this](const auto&) { return Answered(code, "Said so"); });
  }

  absl::Status Control(Verb verb, const std::string& route = kBackend) {
    return router->desk().Control(route, verb, "because", "ann");
  }
  EndpointStatus Endpoint() { return router->desk().Endpoints().at(0); }
  static StoredFilter Dead() {
    StoredFilter filter;
    filter.dead = true;
    return filter;
  }

  int code = 200;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_ROUTER_DESK_BENCH_H_
