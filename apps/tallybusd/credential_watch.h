// Looks now and then whether the credentials of an endpoint end soon.
#ifndef TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_
#define TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tallybus/clock.h"
#include "tallybus/router.h"

namespace tallybus {

// [owner] The router's thread.
// [any thread] What is to be said of credentials that end then; empty: nothing.
std::string WarningOfEnd(const absl::StatusOr<absl::Time>& end, absl::Time now);

class CredentialWatch {
 public:
  // When those of a route's endpoint end; an error says what is wrong with them.
  using EndOf = std::function<absl::StatusOr<absl::Time>(const Route&)>;

  // All of it outlives the watch.
  CredentialWatch(const Clock& clock, EndOf end_of, Router& router)
      : clock_(clock), end_of_(std::move(end_of)), router_(router) {}

  // These routes from now on, and looks at once.
  void Watch(const RouteTable& routes);
  // Looks where an hour has passed. Call it in each turn.
  void Tick();

 private:
  void Look();

  const Clock& clock_;
  const EndOf end_of_;
  Router& router_;
  std::map<std::string, RoutePtr> routes_;  // by name; those that send
  MonoTime looked_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_
