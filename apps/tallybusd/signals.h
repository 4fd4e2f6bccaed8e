// What the daemon is told from outside, as a file to poll: signals, or their like.
#ifndef TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_
#define TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_

#include <absl/status/statusor.h>

#include <memory>
#include <optional>

namespace tallybus {

// SIGHUP: read the configuration again. SIGTERM or SIGINT: stop; the second one: at once.
class Signals {
 public:
  virtual ~Signals() = default;

  virtual int fd() const = 0;  // readable where Next may find one
  // [owner] The next one that came, without waiting.
  virtual std::optional<int> Next() = 0;
};

// [control] The process's own. In main before any thread starts, so that all inherit the block.
absl::StatusOr<std::unique_ptr<Signals>> BlockSignals();

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_
