// What an operator, an alert and a restart need to know of one endpoint's gate. Values.
#ifndef TALLYBUS_DELIVERY_ENDPOINT_STATE_H_
#define TALLYBUS_DELIVERY_ENDPOINT_STATE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"

namespace tallybus {

// What was decided about the endpoint by hand, or by itself when it was gone. It survives a
// restart; `since` may then lie before the clock's own start.
struct EndpointDecision {
  enum class State { kOpen, kPaused, kDisabled };
  State state = State::kOpen;
  bool gone = false;  // the endpoint's own word: 410, or webhook-delivery: disable
  std::string reason = {};
  std::string author = {};
  MonoTime since = {};
};

// What is wrong now. Each is raised when it appears and resolved when it is gone.
struct EndpointAlarm {
  enum class Kind { kBreakerOpen, kHeld, kMethodHeld, kGone };
  Kind kind;
  std::string method;  // of kMethodHeld
  MonoTime since = {};
  int code = 0;             // the answer behind it; 0: none, or one without a code
  std::string reason = {};  // in words, of the breaker and of holds
};

// "answer 404"; of an answer without a code its phrase.
std::string AnswerText(int code, const std::string& phrase);

// Why what waits at a disabled endpoint is a dead letter.
inline constexpr std::string_view kEndpointDisabled = "the endpoint is disabled";

struct EndpointSnapshot {
  enum class State { kReady, kAskedToWait, kBreakerOpen, kProbing, kHeld, kPaused, kDisabled };
  struct HeldMethod {
    std::string method;
    int code = 0;
    MonoTime since;
    MonoTime next_probe;
    std::string reason;  // as AnswerText has it
  };
  State state = State::kReady;
  MonoTime since = {};
  std::string reason;  // empty where ready; ours, the operator's, or the phrase of a hold
  std::string author;  // of what was decided by hand
  std::string_view breaker = "closed";
  int limit = 0;
  int in_flight = 0;
  std::optional<MonoTime> next_try;  // where time alone will open it
  std::vector<HeldMethod> held_methods;
};

// The word for it in lists.
inline std::string_view StateWord(EndpointSnapshot::State state) {
  switch (state) {
    case EndpointSnapshot::State::kReady:
      return "ready";
    case EndpointSnapshot::State::kAskedToWait:
      return "asked to wait";
    case EndpointSnapshot::State::kBreakerOpen:
      return "breaker open";
    case EndpointSnapshot::State::kProbing:
      return "probing";
    case EndpointSnapshot::State::kHeld:
      return "held";
    case EndpointSnapshot::State::kPaused:
      return "paused";
    case EndpointSnapshot::State::kDisabled:
      return "disabled";
  }
  return "unknown";
}

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ENDPOINT_STATE_H_
