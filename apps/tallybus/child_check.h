// A check in a process of its own: a plugin that crashes or hangs ends that alone.
#ifndef TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_
#define TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_

#include <absl/time/time.h>

#include <functional>

#include "apps/conformance/checks.h"

namespace tallybus::cli {

// [main thread] Before any thread of this process began. A child that ends without an outcome, or
// not within `limit`, has failed.
conformance::Outcome RunInChild(const std::function<conformance::Outcome()>& check,
                                absl::Duration limit);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_
