// Looks now and then whether the credentials of an endpoint end soon.
#ifndef TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_
#define TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_

#include <map>
#include <string>

#include "tallybus/clock.h"
#include "tallybus/router.h"
#include "tallybus/transport_registry.h"

namespace tallybus {

// [owner] The router's thread.
class CredentialWatch {
 public:
  // All of it outlives the watch.
  CredentialWatch(const Clock& clock, const TransportDescriptor& transport, Router& router)
      : clock_(clock), transport_(transport), router_(router) {}

  // These routes from now on, and looks at once.
  void Watch(const RouteTable& routes);
  // Looks where an hour has passed. Call it in each turn.
  void Tick();

 private:
  void Look();

  const Clock& clock_;
  const TransportDescriptor& transport_;
  Router& router_;
  std::map<std::string, Endpoint> endpoints_;  // by route
  MonoTime looked_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_CREDENTIAL_WATCH_H_
