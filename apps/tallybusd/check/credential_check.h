// Whether what routes show of themselves still counts.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_CREDENTIAL_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_CREDENTIAL_CHECK_H_

#include <absl/time/time.h>

#include "apps/explanation/paper_routes.h"
#include "apps/tallybusd/check/finding.h"
#include "tallybus/transport_registry.h"

namespace tallybus::check {

// [control] A warning for each route whose credentials have ended, or soon will: what the daemon
// has an alert for. Reads their files.
void CheckCredentials(const PaperRoutes& routes, const TransportRegistry& registry, absl::Time now,
                      Findings* findings);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_CREDENTIAL_CHECK_H_
