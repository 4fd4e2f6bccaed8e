// Abseil's flags by their reflection: its own parser knows no subcommands, and exits by itself.
#include "apps/tallybus/command_line.h"

#include <absl/flags/commandlineflag.h>
#include <absl/flags/flag.h>
#include <absl/flags/reflection.h>
#include <absl/status/status.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cstddef>
#include <iostream>

#include "apps/tallybus/flags.h"
#include "apps/tallybusd/config/spelling.h"
#include "apps/tallybusd/config/units.h"

namespace tallybus::cli {
namespace {

struct FlagWord {
  std::string name;
  bool has_value = false;
  std::string value;
};

bool IsFlag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

FlagWord SplitFlag(const std::string& word) {
  const size_t start = word.compare(0, 2, "--") == 0 ? 2 : 1;
  const size_t equals = word.find('=');
  std::string name = word.substr(start, equals - start);
  std::replace(name.begin(), name.end(), '-', '_');  // Abseil's flags have no dashes
  if (equals == std::string::npos) return {name, false, ""};
  return {name, true, word.substr(equals + 1)};
}

bool Has(const Command& command, const std::string& name) {
  return std::find(command.flags.begin(), command.flags.end(), name) != command.flags.end();
}

// As people write it.
std::string Shown(const std::string& name) { return absl::StrReplaceAll(name, {{"_", "-"}}); }

absl::Status UnknownFlag(const Command& command, const std::string& name) {
  return absl::InvalidArgumentError(
      Shown(absl::StrCat("no flag --", name, DidYouMean(name, command.flags, "--"))));
}

// Durations and sizes are written as in the configuration, which is more than Abseil reads, and
// less.
absl::StatusOr<std::string> AsAbseilReads(const absl::CommandLineFlag& flag,
                                          const std::string& value) {
  if (flag.IsOfType<std::optional<absl::Duration>>()) {
    const absl::StatusOr<absl::Duration> duration = config::ParseDuration(value);
    if (!duration.ok()) return duration.status();
    if (*duration <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("must be more than 0");
    }
    return absl::FormatDuration(*duration);
  }
  if (flag.IsOfType<std::optional<Size>>()) {
    const absl::StatusOr<int64_t> bytes = config::ParseSize(value);
    return bytes.ok() ? absl::StatusOr<std::string>(absl::StrCat(*bytes)) : bytes.status();
  }
  return value;
}

absl::Status SetFlag(const std::string& name, const std::string& text) {
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
  const absl::StatusOr<std::string> read = AsAbseilReads(*flag, text);
  if (!read.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", Shown(name), ": '", text, "' ", read.status().message()));
  }
  const std::string& value = *read;
  const bool again = flag->IsOfType<Repeated>() && !flag->CurrentValue().empty();
  std::string error;
  if (flag->ParseFrom(again ? absl::StrCat(flag->CurrentValue(), "\n", value) : value, &error))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", Shown(name), ": '", text, "' is not understood; it is ", flag->Help()));
}

// A switch: --json, --nojson, --json=false. False where the word is none of the command's.
bool TakeSwitch(const Command& command, FlagWord& word) {
  if (!word.has_value && word.name.rfind("no", 0) == 0 && Has(command, word.name.substr(2))) {
    word = {word.name.substr(2), true, "false"};
  }
  if (!Has(command, word.name) || !absl::FindCommandLineFlag(word.name)->IsOfType<bool>()) {
    return false;
  }
  if (!word.has_value) word.value = "true";
  word.has_value = true;
  return true;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const Command& command,
                                             const std::vector<std::string>& words) {
  CommandLine line;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      line.arguments.insert(line.arguments.end(), words.begin() + i + 1, words.end());
      break;
    }
    if (!IsFlag(words[i])) {
      line.arguments.push_back(words[i]);
      continue;
    }
    FlagWord word = SplitFlag(words[i]);
    if (word.name == "help" || word.name == "h") {
      line.help = true;
      return line;
    }
    if (!TakeSwitch(command, word) && !Has(command, word.name)) {
      return UnknownFlag(command, word.name);
    }
    if (!word.has_value && ++i == words.size()) {
      return absl::InvalidArgumentError(absl::StrCat("--", Shown(word.name), " needs a value"));
    }
    absl::Status set = SetFlag(word.name, word.has_value ? word.value : words[i]);
    if (!set.ok()) return set;
  }
  return line;
}

std::string DidYouMean(const std::string& name, const std::vector<std::string>& known,
                       const std::string& prefix) {
  std::string nearest;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = config::EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", prefix, nearest, "?");
}

absl::StatusOr<uint64_t> UntilCount() {
  const std::string text = absl::GetFlag(FLAGS_until);
  uint64_t count = 0;
  if (text.empty() || absl::SimpleAtoi(text, &count)) return count;
  return absl::InvalidArgumentError(
      absl::StrCat("--until: '", text, "' is not understood; it is a number of events"));
}

absl::Status RefuseFlags(const std::string& verb, const std::vector<std::string>& useless) {
  for (const std::string& name : useless) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    if (flag->CurrentValue() == flag->DefaultValue()) continue;
    return absl::InvalidArgumentError(absl::StrCat(verb, " has no use of --", Shown(name)));
  }
  return absl::OkStatus();
}

std::string UsageOf(const Command& command) {
  std::string text =
      absl::StrCat("tallybus ", command.name, " [flags]", command.arguments.empty() ? "" : " ",
                   command.arguments, "\n\n", command.details, "\n\nFlags:\n");
  for (const std::string& name : command.flags) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    const std::string shown = Shown(name);
    absl::StrAppend(&text, "  --", shown, std::string(12 - std::min<size_t>(name.size(), 11), ' '),
                    flag->Help());
    const std::string standard = flag->DefaultValue();
    if (!standard.empty()) absl::StrAppend(&text, " (default ", standard, ")");
    text += "\n";
  }
  return text;
}

int Complain(const std::string& command, const std::string& text, int status) {
  std::cerr << "tallybus " << command << ": " << text << std::endl;
  return status;
}

}  // namespace tallybus::cli
