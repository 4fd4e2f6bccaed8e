// `tallybusd --check`: what is found about a configuration that could be read.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_COMMAND_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_COMMAND_H_

#include <string>

#include "config/config.h"
#include "transport_catalog.h"

namespace tallybus {

struct CheckOptions {
  std::string file;         // as the operator named it; tests name files beside it
  bool environment = true;  // the spool, the listeners, the endpoints too
  std::string own_backend;  // an address that the daemon brings along; empty: none
};

inline constexpr int kBadFile = 1;         // the exit status of each other error, too
inline constexpr int kBadEnvironment = 3;  // the file is good, what is around it is not

// [control] Prints: an error a line on standard error, and the rest on standard output. Returns the
// exit status.
int RunCheck(const config::Config& config, const TransportCatalog& catalog,
             const CheckOptions& options);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_COMMAND_H_
