// The signals that the daemon answers, as a file to poll.
#ifndef TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_
#define TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_

#include <absl/status/statusor.h>

#include <optional>

namespace tallybus {

// SIGTERM, SIGINT and SIGHUP. Made in main before any thread starts, so that all inherit the block.
class Signals {
 public:
  static absl::StatusOr<Signals> Block();
  ~Signals();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;

  int fd() const { return fd_; }
  // The next one that came, without waiting.
  std::optional<int> Next();

 private:
  explicit Signals(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_SIGNALS_H_
