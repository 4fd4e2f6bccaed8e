// What a plugin does in a process of its own: one that crashes or hangs ends that alone.
#ifndef TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_
#define TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_

#include <absl/time/time.h>

#include <functional>
#include <optional>
#include <string>

#include "apps/conformance/checks.h"

namespace tallybus::cli {

// [main thread] Before any thread of this process began. A child that ends without an outcome, or
// not within `limit`, has failed.
conformance::Outcome RunInChild(const std::function<conformance::Outcome()>& check,
                                absl::Duration limit);

// [main thread] Before any thread of this process began. Goes on in a child, which gets nullopt; in
// the parent returns when that ends: its exit status, or kFailed with what ended it on standard
// error.
std::optional<int> GoOnInChild(const std::string& command);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_CHILD_CHECK_H_
