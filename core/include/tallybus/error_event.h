// The event that tells a client that the backend's call for its event failed.
#ifndef TALLYBUS_ERROR_EVENT_H_
#define TALLYBUS_ERROR_EVENT_H_

#include <absl/time/time.h>

#include <string>
#include <string_view>

#include "tallybus/event.h"

namespace tallybus {

struct Failure {
  std::string_view route;  // "defaultApp/backend"
  int http_status = 0;     // 0: no answer, the field is left out
  std::string info;        // from FailureInfo, or "waiting"
  int attempt = 0;         // 0: never tried
  bool final = true;       // false where a retry follows
};

// The ErrorEvent for `cause`; its id is left to the router.
Event MakeErrorEvent(const Event& cause, const Failure& failure, absl::Time now);

// What a client is told: `reason` of an answer that is a JSON object of exactly `status` and
// `reason`; else `phrase`. At most 256 bytes, cut at a character's end.
std::string FailureInfo(std::string_view phrase, std::string_view answer);

}  // namespace tallybus

#endif  // TALLYBUS_ERROR_EVENT_H_
