// fork, a pipe for the outcome, and a time limit.
#include "apps/tallybus/child_check.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>

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

// What the child told until its end; false where that does not come in time.
bool ReadToEnd(int pipe, absl::Time until, std::string* told) {
  char buffer[4096];
  for (;;) {
    pollfd fd = {pipe, POLLIN, 0};
    const int64_t left = std::max<int64_t>(absl::ToInt64Milliseconds(until - absl::Now()), 0);
    const int ready = poll(&fd, 1, static_cast<int>(left));
    if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
    const ssize_t got = ready < 0 ? -1 : read(pipe, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    told->append(buffer, static_cast<size_t>(got));
  }
}

Outcome OutcomeOf(const std::string& told, int status) {
  if (WIFSIGNALED(status)) {
    return Failed(absl::StrCat("the plugin ended its process: ", strsignal(WTERMSIG(status))));
  }
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
  const bool ended = ReadToEnd(ends[0], absl::Now() + limit, &told);
  close(ends[0]);
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!ended) {
    return Failed(absl::StrCat("it hangs: no end within ", absl::FormatDuration(limit)));
  }
  return OutcomeOf(told, status);
}

}  // namespace tallybus::cli
