// From the words of a command line to flags and arguments, with an error for people.
#ifndef TALLYBUS_APPS_TALLYBUS_COMMAND_LINE_H_
#define TALLYBUS_APPS_TALLYBUS_COMMAND_LINE_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "apps/tallybus/command.h"

namespace tallybus::cli {

struct CommandLine {
  bool help = false;
  std::vector<std::string> arguments;  // what is no flag, in order
};

// Sets the flags that the words name: --name value, --name=value, --switch, --noswitch; after "--"
// all words are arguments. INVALID_ARGUMENT is one line: a flag that the command does not have, a
// value that the flag does not take, or none.
absl::StatusOr<CommandLine> ParseCommandLine(const Command& command,
                                             const std::vector<std::string>& words);

// "; did you mean X?" for the known name that is nearest to `name`; empty where none is near.
std::string DidYouMean(const std::string& name, const std::vector<std::string>& known,
                       const std::string& prefix);

// The value of --until where it is a count; 0 where it was not given. INVALID_ARGUMENT: it is none.
absl::StatusOr<uint64_t> UntilCount();

// INVALID_ARGUMENT where a flag of `useless` has not its default: "drop has no use of --limit".
absl::Status RefuseFlags(const std::string& verb, const std::vector<std::string>& useless);

// The text of `tallybus help <name>`.
std::string UsageOf(const Command& command);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_COMMAND_LINE_H_
