// `tallybus describe`: what a plugin says of itself.
#include <absl/strings/str_cat.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "apps/tallybus/child_check.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/plugin_setting.h"
#include "apps/tallybus/table.h"

namespace tallybus::cli {
namespace {

const char* WordOf(OptionType type) {
  switch (type) {
    case OptionType::kText:
      return "text";
    case OptionType::kInteger:
      return "whole number";
    case OptionType::kBoolean:
      return "true or false";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kSize:
      return "size";
    case OptionType::kSecret:
      return "secret";
  }
  return "";
}

int Run(const std::vector<std::string>& arguments) {
  const absl::StatusOr<std::string> path = PluginFile(arguments);
  if (!path.ok()) return Complain("describe", std::string(path.status().message()), kUsage);
  if (const std::optional<int> ended = GoOnInChild("describe")) return *ended;
  TransportRegistry registry;
  const absl::StatusOr<loader::PluginPtr> plugin = LoadAsDaemon(*path, registry);
  if (!plugin.ok()) return Complain("describe", std::string(plugin.status().message()), kFailed);
  const loader::Plugin& it = **plugin;
  std::cout << it.name << " " << it.version << "\n"
            << "  file       " << it.path << "\n"
            << "  interface  " << it.entry.abi_major << "." << it.entry.abi_minor
            << ", of this tallybus " << TALLYBUS_TRANSPORT_ABI_MAJOR << "."
            << TALLYBUS_TRANSPORT_ABI_MINOR << "\n"
            << "  transport  " << it.scheme << "\n"
            << (it.options.empty() ? "  no options\n" : "  options\n");
  Table table;
  for (const OptionSpec& option : it.options) {
    table.Add({"    " + option.name, WordOf(option.type), option.required ? "required" : "",
               option.meaning});
  }
  std::cout << table.Render(0) << std::flush;
  return kDone;
}

}  // namespace

Command DescribeCommand() {
  Command command;
  command.name = "describe";
  command.arguments = "FILE.so";
  command.summary = "what a transport plugin says of itself";
  command.details =
      "Loads the plugin, as the daemon would, and prints its name, its version, the version of "
      "the\n"
      "interface that it is built for, its transport and the options of that. Exit status 1: the\n"
      "daemon would not take it, and why.";
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
