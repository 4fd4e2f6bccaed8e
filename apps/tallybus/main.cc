// The command line: which subcommand, and what it is told.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/command_line.h"
#include "plugins/loader/plugin_thread.h"
#include "transports/parts/linked_transport.h"

namespace tallybus::cli {
namespace {

const Command* Find(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string Overview(const std::vector<Command>& commands) {
  std::string text = "tallybus <command> [flags] [arguments]\n\n";
  for (const Command& command : commands) {
    absl::StrAppendFormat(&text, "  %-13s%s\n", command.name, command.summary);
  }
  return text +
         "  version      print the version\n"
         "  help         help <command> tells its flags\n";
}

int UnknownCommand(const std::vector<Command>& commands, const std::string& name) {
  std::vector<std::string> known = {"version", "help"};
  for (const Command& command : commands) known.push_back(command.name);
  std::cerr << "tallybus: no command '" << name << "'" << DidYouMean(name, known, "") << std::endl;
  return kUsage;
}

int Help(const std::vector<Command>& commands, const std::vector<std::string>& words) {
  if (words.empty()) {
    std::cout << Overview(commands);
    return kDone;
  }
  const Command* command = Find(commands, words[0]);
  if (command == nullptr) return UnknownCommand(commands, words[0]);
  std::cout << UsageOf(*command);
  return kDone;
}

int Main(std::vector<std::string> words) {
  const std::vector<Command> commands = {
      PubCommand(),      TailCommand(),    ReceiveCommand(),     StatusCommand(),
      EndpointCommand(), SpoolCommand(),   ReplayCommand(),      TraceCommand(),
      ExplainCommand(),  TriggerCommand(), SignCommand(),        VerifyCommand(),
      DescribeCommand(), TryCommand(),     ConformanceCommand(), NewCommand()};
  if (words.empty()) {
    std::cerr << Overview(commands);
    return kUsage;
  }
  const std::string name = words[0];
  words.erase(words.begin());
  if (name == "version" || name == "--version") {
    std::cout << "tallybus " TALLYBUS_VERSION << std::endl;
    return kDone;
  }
  if (name == "help" || name == "--help" || name == "-h") return Help(commands, words);
  const Command* command = Find(commands, name);
  if (command == nullptr) return UnknownCommand(commands, name);
  const absl::StatusOr<CommandLine> line = ParseCommandLine(*command, words);
  if (!line.ok()) return Complain(name, std::string(line.status().message()), kUsage);
  if (line->help) return Help(commands, {name});
  return command->run(line->arguments);
}

}  // namespace
}  // namespace tallybus::cli

int main(int argc, char** argv) {
  const int code = tallybus::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
  if (tallybus::loader::StuckThreads() + tallybus::parts::LinksLeftAlone() == 0) return code;
  std::cout << std::flush;
  _exit(code);  // exit() may wait for what one that is stuck has locked
}
