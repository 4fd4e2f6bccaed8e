// One gate, and attempts at it that the test ends.
#ifndef TALLYBUS_TESTS_CORE_DELIVERY_ENDPOINT_GATE_FIXTURE_H_
#define TALLYBUS_TESTS_CORE_DELIVERY_ENDPOINT_GATE_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "delivery/endpoint_gate.h"
#include "tests/support/manual_clock.h"

namespace tallybus {

class EndpointGateFixture : public ::testing::Test {
 protected:
  using Sign = EndpointSign::Kind;
  using State = EndpointSnapshot::State;

  Permit Ask(std::string_view method = "A") const { return gate.Ask(method, clock.Now()); }
  Pass Start(std::string_view method = "A") { return gate.Start(Ask(method), method, clock.Now()); }
  void Finish(const Pass& pass, Sign kind, int code = 0, std::string_view method = "A",
              absl::Duration pause = absl::ZeroDuration()) {
    gate.Finish(pass, method, {.kind = kind, .code = code, .pause = pause}, clock.Now());
  }
  // One attempt, there and back.
  void Try(Sign kind, int code = 0, std::string_view method = "A",
           absl::Duration pause = absl::ZeroDuration()) {
    Finish(Start(method), kind, code, method, pause);
  }
  void Trip() {
    for (int i = 0; i < 5; ++i) Try(Sign::kTrouble);
  }
  // To the moment at which time opens the gate for something.
  void Wait() { clock.AdvanceTo(gate.NextDue(clock.Now()).value()); }
  State StateNow() const { return gate.Snapshot(clock.Now()).state; }
  absl::Duration Own(std::string_view method = "A") const {
    return gate.OwnTime(method, clock.Now());
  }
  int Alarms(EndpointAlarm::Kind kind) const {
    const auto alarms = gate.Alarms();
    return static_cast<int>(std::count_if(alarms.begin(), alarms.end(),
                                          [kind](const auto& a) { return a.kind == kind; }));
  }

  testing::ManualClock clock;
  EndpointGate gate{128, 1};
};

}  // namespace tallybus

#endif  // TALLYBUS_TESTS_CORE_DELIVERY_ENDPOINT_GATE_FIXTURE_H_
