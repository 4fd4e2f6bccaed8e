// The transports that run: one for each scheme that the configuration uses, or has used.
#ifndef TALLYBUS_APPS_TALLYBUSD_TRANSPORT_SET_H_
#define TALLYBUS_APPS_TALLYBUSD_TRANSPORT_SET_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "routes.h"
#include "tallybus/route.h"
#include "tallybus/transport_registry.h"
#include "transport_catalog.h"

namespace tallybus {

// [control] Start may run beside CredentialsEnd.
class TransportSet {
 public:
  explicit TransportSet(const TransportContext& context) : context_(context) {}
  ~TransportSet();  // stops at once where Stop was not called

  // Creates and starts those of these schemes that do not run: all of them; or none, and the error
  // names the one that could not, or that runs from the file of another plugin. What runs is left
  // alone, also where no route has it any more: attempts of its routes may be open.
  absl::Status Start(const TransportCatalog& catalog, const std::set<std::string>& schemes);
  // Every open ticket is completed when it returns.
  void Stop(MonoTime deadline);

  Transports all() const;
  // When the credentials of the route's endpoint end, by its transport.
  absl::StatusOr<absl::Time> CredentialsEnd(const Route& route) const;

 private:
  struct Running {
    TransportDescriptor descriptor;
    std::string plugin_file;
    std::unique_ptr<Transport> transport;
  };

  const TransportContext context_;
  mutable std::mutex mutex_;  // never held while a transport is called
  std::map<std::string, Running> by_scheme_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_TRANSPORT_SET_H_
