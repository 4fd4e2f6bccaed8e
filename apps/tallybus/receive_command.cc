// `tallybus receive`: the development backend at a terminal.
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>

#include "apps/receive/receiver.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/command_line.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/stop_signal.h"

namespace tallybus::cli {
namespace {

using receive::AnswerScript;
using receive::Receiver;

Receiver::Options OptionsFromFlags(AnswerScript script, uint64_t until, int done_fd) {
  Receiver::Options options;
  options.listen = absl::StrCat(absl::GetFlag(FLAGS_address), ":", absl::GetFlag(FLAGS_port));
  options.script = std::move(script);
  options.json = absl::GetFlag(FLAGS_json);
  options.until = until;
  options.print = [](std::string_view line) { std::cout << line << std::endl; };
  options.done = [done_fd] { eventfd_write(done_fd, 1); };
  return options;
}

void WaitForEither(int a, int b) {
  std::array<pollfd, 2> fds = {pollfd{a, POLLIN, 0}, pollfd{b, POLLIN, 0}};
  while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
}

int Run(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    return Complain("receive", absl::StrCat("'", arguments[0], "': it takes flags only"), kUsage);
  }
  const absl::StatusOr<uint64_t> until = UntilCount();
  if (!until.ok()) return Complain("receive", std::string(until.status().message()), kUsage);
  absl::StatusOr<AnswerScript> script = AnswerScript::Parse(absl::GetFlag(FLAGS_answer));
  if (!script.ok()) {
    return Complain("receive", absl::StrCat("--answer: ", script.status().message()), kUsage);
  }
  const StopSignal stop;
  const int done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  absl::StatusOr<std::unique_ptr<Receiver>> receiver =
      Receiver::Start(OptionsFromFlags(*std::move(script), *until, done));
  if (!receiver.ok()) {
    close(done);
    return Complain("receive", std::string(receiver.status().message()), kFailed);
  }
  WaitForEither(stop.fd(), done);
  (*receiver)->Stop();
  // Scripts read nothing but objects from standard output.
  (absl::GetFlag(FLAGS_json) ? std::cerr : std::cout)
      << (*receiver)->totals().ToString() << std::endl;
  close(done);
  return kDone;
}

}  // namespace

Command ReceiveCommand() {
  Command command;
  command.name = "receive";
  command.summary = "be a backend: show every event that a router POSTs, answer by a script";
  command.details =
      "Takes POST <any path>/<method>, shows each event, flags duplicates (an id that came "
      "before)\n"
      "and holes (a sequence that is not the next of its lane), and answers by --answer: 200 "
      "sends\n"
      "the object back, another status has no body, hang never answers, reset cuts the "
      "connection.\n"
      "The first line printed is \"listening on http://ADDRESS:PORT\". Ends at SIGINT, SIGTERM or\n"
      "after --until events with a count of all.";
  command.flags = {"address", "port", "answer", "json", "until"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
