// fork, a pipe for the outcome, and a time limit.
#include "apps/tallybus/child_check.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>

#include "apps/tallybus/command.h"

namespace tallybus::cli {
namespace {

using conformance::Outcome;

Outcome Failed(const std::string& why) { return {Outcome::Kind::kFailed, why}; }

[[noreturn]] void Child(const std::function<Outcome()>& check, int pipe) {
  Outcome outcome;
  try {
    outcome = check();
  } catch (const std::exception& error) {
    outcome = Failed(error.what());
  }
  const std::string told = std::to_string(static_cast<int>(outcome.kind)) + outcome.why;
  const ssize_t written = write(pipe, told.data(), told.size());
  _exit(written == static_cast<ssize_t>(told.size()) ? 0 : 1);
}

// False where there is nothing to be read in time. A signal does not end the wait.
bool IsReadable(int fd, absl::Time until) {
  for (;;) {
    pollfd waited = {fd, POLLIN, 0};
    const int64_t left = std::max<int64_t>(absl::ToInt64Milliseconds(until - absl::Now()), 0);
    const int ready = poll(&waited, 1, static_cast<int>(left));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// What the child told until its end; false where that does not come in time.
bool ReadToEnd(int pipe, absl::Time until, std::string* told) {
  char buffer[4096];
  while (IsReadable(pipe, until)) {
    const ssize_t got = read(pipe, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    told->append(buffer, static_cast<size_t>(got));
  }
  return false;
}

// A plugin may have closed the pipe, and go on.
bool EndsBy(pid_t child, absl::Time until) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  const bool ends = process < 0 || IsReadable(process, until);
  if (process >= 0) close(process);
  return ends;
}

int AwaitEnd(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

std::string ByItsSignal(int status) {
  return absl::StrCat("the plugin ended its process: ", strsignal(WTERMSIG(status)));
}

Outcome OutcomeOf(const std::string& told, int status) {
  if (WIFSIGNALED(status)) return Failed(ByItsSignal(status));
  if (told.empty() || told[0] < '0' || told[0] > '2') return Failed("the plugin ended its process");
  return {static_cast<Outcome::Kind>(told[0] - '0'), told.substr(1)};
}

}  // namespace

Outcome RunInChild(const std::function<Outcome()>& check, absl::Duration limit) {
  int ends[2];
  if (pipe(ends) != 0) return Failed("no file descriptor is left");
  const pid_t child = fork();
  if (child < 0) return Failed("no process can be made");
  if (child == 0) {
    close(ends[0]);
    Child(check, ends[1]);
  }
  close(ends[1]);
  std::string told;
  const absl::Time until = absl::Now() + limit;
  const bool ended = ReadToEnd(ends[0], until, &told) && EndsBy(child, until);
  close(ends[0]);
  if (!ended) kill(child, SIGKILL);
  const int status = AwaitEnd(child);
  if (!ended) {
    return Failed(absl::StrCat("it hangs: no end within ", absl::FormatDuration(limit)));
  }
  return OutcomeOf(told, status);
}

std::optional<int> GoOnInChild(const std::string& command) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Complain(command, "no process can be made", kFailed);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kFailed);  // ended before it was set
    return std::nullopt;
  }
  const int status = AwaitEnd(child);
  if (WIFSIGNALED(status)) return Complain(command, ByItsSignal(status), kFailed);
  return WEXITSTATUS(status);
}

}  // namespace tallybus::cli
