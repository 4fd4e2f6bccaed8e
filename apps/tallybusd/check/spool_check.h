// Whether a daemon could keep its spool where the configuration says. The spool itself is read and
// left as it is.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_SPOOL_CHECK_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_SPOOL_CHECK_H_

#include <optional>

#include "apps/tallybusd/check/finding.h"
#include "apps/tallybusd/check/lock_holder.h"
#include "apps/tallybusd/config/config.h"

namespace tallybus::check {

// [control] The folder can be made and written to, its files are files that this user may write,
// what is in them can be read by this version, and the disk has room. Who holds the spool is a
// note, and returned: the router that runs with it, in whose files nothing is read.
std::optional<Holder> CheckSpool(const config::Spool& spool, Findings* findings);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_SPOOL_CHECK_H_
