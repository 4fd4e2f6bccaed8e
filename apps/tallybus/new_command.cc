// `tallybus new`: a project of one's own, made of the template.
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/template_files.h"
#include "transports/builtin.h"

namespace tallybus::cli {
namespace {

constexpr size_t kLongestName = 24;

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName &&
         absl::ascii_islower(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return absl::ascii_islower(byte) || absl::ascii_isdigit(byte) || c == '_';
         });
}

// The daemon would refuse a plugin of this name.
bool IsBuiltIn(const std::string& name) {
  TransportRegistry registry;
  return RegisterBuiltinTransports(registry).ok() && registry.Find(name) != nullptr;
}

std::string Renamed(const char* text, const std::string& name) {
  return absl::StrReplaceAll(text, {{"line_transport", name + "_transport"},
                                    {"\"line\",", "\"" + name + "\","},
                                    {"\"Line\",", "\"" + name + "\","},
                                    {"transport: line", "transport: " + name},
                                    {"name: line", "name: " + name}});
}

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2 || arguments[0] != "transport") {
    return Complain("new", "of what? new transport NAME", kUsage);
  }
  const std::string& name = arguments[1];
  if (!IsName(name)) {
    return Complain("new", "a name is 1 to 24 of a-z 0-9 _, and begins with a letter", kUsage);
  }
  if (IsBuiltIn(name)) {
    return Complain("new", name + " is built in, and a plugin of that name would be refused",
                    kUsage);
  }
  std::error_code error;
  if (!std::filesystem::create_directory(name, error)) {
    return Complain(
        "new", absl::StrCat("./", name, error ? " cannot be made" : " is there already"), kFailed);
  }
  const std::pair<std::string, const char*> files[] = {{name + "_transport.c", kTemplateSource},
                                                       {"CMakeLists.txt", kTemplateCMake},
                                                       {"README.md", kTemplateReadme}};
  for (const auto& [file, text] : files) {
    const std::string path = name + "/" + file;
    std::ofstream out(path, std::ios::binary);
    out << Renamed(text, name) << std::flush;
    if (!out) return Complain("new", path + " cannot be written", kFailed);
    std::cout << path << "\n";
  }
  std::cout << "build and check it:\n  cmake -S " << name << " -B " << name
            << "/build && cmake --build " << name << "/build && ctest --test-dir " << name
            << "/build" << std::endl;
  return kDone;
}

}  // namespace

Command NewCommand() {
  Command command;
  command.name = "new";
  command.arguments = "transport NAME";
  command.summary = "begin a transport plugin of your own";
  command.details =
      "Writes a folder NAME with a whole transport in one C file, commented as a tutorial; a\n"
      "CMakeLists.txt that builds it against the installed headers, and whose test is `tallybus\n"
      "conformance` over it; and a README. It is the template of the source tree under another\n"
      "name, and works as it stands.";
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
