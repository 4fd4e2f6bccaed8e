// What one attempt told about its endpoint, beside what it did for its event.
#ifndef TALLYBUS_DELIVERY_ENDPOINT_SIGN_H_
#define TALLYBUS_DELIVERY_ENDPOINT_SIGN_H_

#include <absl/time/time.h>

#include <string>

namespace tallybus {

struct EndpointSign {
  enum class Kind {
    kNothing,     // not to be judged by: an abandoned attempt, a keep-alive
    kTaken,       // a success; its round trip is a measurement
    kAnswered,    // an answer that speaks neither for nor against the endpoint's health
    kTrouble,     // counts against the breaker and pushes back
    kHold,        // the endpoint needs a hand
    kHoldMethod,  // the method needs a hand at this endpoint
    kGone,        // the endpoint wants no more events
  };
  Kind kind = Kind::kNothing;
  int code = 0;                                 // of the answer; 0: none
  absl::Duration pause = absl::ZeroDuration();  // the peer asks to be left alone; already capped
  std::string reason = {};                      // of trouble or a hold, in words, cut and escaped

  bool counts_against_breaker() const { return kind == Kind::kTrouble; }
  bool is_hold() const { return kind == Kind::kHold || kind == Kind::kHoldMethod; }
  bool is_answer() const { return kind == Kind::kTrouble ? code != 0 : kind != Kind::kNothing; }
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_ENDPOINT_SIGN_H_
