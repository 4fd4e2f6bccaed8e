// signalfd; SIGPIPE is ignored, since peers that go away are told by errors.
#include "signals.h"

#include <absl/strings/str_cat.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace tallybus {

namespace {

class ProcessSignals final : public Signals {
 public:
  explicit ProcessSignals(int fd) : fd_(fd) {}
  ~ProcessSignals() override { close(fd_); }
  ProcessSignals(const ProcessSignals&) = delete;
  ProcessSignals& operator=(const ProcessSignals&) = delete;

  int fd() const override { return fd_; }
  std::optional<int> Next() override {
    signalfd_siginfo info;
    if (read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Signals>> BlockSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return absl::UnavailableError(absl::StrCat("signalfd: ", strerror(errno)));
  return std::make_unique<ProcessSignals>(fd);
}

}  // namespace tallybus
