// Who holds a lock file: a router that runs.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_LOCK_HOLDER_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_LOCK_HOLDER_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tallybus::check {

// A process that may not be visible: of another PID namespace.
struct Holder {
  pid_t pid = 0;        // 0: not seen from here
  std::string program;  // "tallybusd"

  bool operator==(const Holder&) const = default;

  std::string ToString() const;  // "tallybusd, pid 4711"
};

// [control] Who has locked this file by flock; nullopt: nobody, or there is no such file. Where
// nobody has, it is locked for a moment, shared. The system's error where it cannot be opened.
absl::StatusOr<std::optional<Holder>> HolderOf(const std::string& path);

enum class Ownership { kOwn, kForeign, kUnknown };

// [control] Whether this process is who listens on the TCP port. kUnknown: its files are not to be
// seen by this user.
Ownership ListensOn(const Holder& holder, uint16_t port);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_LOCK_HOLDER_H_
