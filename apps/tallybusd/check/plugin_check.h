// Whether the plugins of a configuration can be created.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_PLUGIN_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_PLUGIN_CHECK_H_

#include <set>
#include <string>

#include "apps/tallybusd/check/finding.h"
#include "apps/tallybusd/transport_catalog.h"

namespace tallybus::check {

// [control] Creates those of these transports that plugins bring, and destroys them: none is
// started, so what a start would say stays unsaid. Blocks for the loader's kCallLimit twice for
// each, at most.
void CheckPlugins(const std::set<std::string>& schemes, const TransportCatalog& catalog,
                  Findings* findings);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_PLUGIN_CHECK_H_
