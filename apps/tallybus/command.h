// A subcommand of `tallybus`: what main() knows of each.
#ifndef TALLYBUS_APPS_TALLYBUS_COMMAND_H_
#define TALLYBUS_APPS_TALLYBUS_COMMAND_H_

#include <string>
#include <vector>

namespace tallybus::cli {

// What a process exits with.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

struct Command {
  std::string name;
  std::string arguments;           // after the flags, for the usage line
  std::string summary;             // one line
  std::string details;             // paragraphs for `tallybus help <name>`
  std::vector<std::string> flags;  // names of those that belong to it
  // Reads its flags, gets the rest, returns an exit status. Errors went to standard error.
  int (*run)(const std::vector<std::string>& arguments);
};

Command PubCommand();
Command TailCommand();
Command ReceiveCommand();
Command StatusCommand();
Command SpoolCommand();
Command ReplayCommand();
Command EndpointCommand();
Command TraceCommand();
Command DescribeCommand();
Command TryCommand();
Command ConformanceCommand();
Command NewCommand();

// One line on standard error, "tallybus <command>: <text>"; returns `status`.
int Complain(const std::string& command, const std::string& text, int status);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_COMMAND_H_
