// Loads a configuration that a test writes down as text.
#ifndef TALLYBUS_TESTS_APPS_TALLYBUSD_CONFIG_LOAD_TEXT_H_
#define TALLYBUS_TESTS_APPS_TALLYBUSD_CONFIG_LOAD_TEXT_H_

#include <absl/status/statusor.h>
#include <absl/strings/str_replace.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tallybusd/config/config_load.h"

namespace tallybus::config {

// A new directory, removed with everything in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tallybus-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using Environment = std::map<std::string, std::string>;

inline GetEnv Lookup(Environment environment) {
  return [environment = std::move(environment)](std::string_view name) {
    const auto found = environment.find(std::string(name));
    return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

inline absl::StatusOr<Config> LoadText(const std::string& text, std::vector<std::string> sets = {},
                                       Environment environment = {}) {
  const ScratchDirectory directory;
  const std::string file = directory.path() + "/tallybus.yaml";
  std::ofstream(file, std::ios::binary) << text;
  LoadOptions options;
  options.file = file;
  options.sets = std::move(sets);
  options.getenv = Lookup(std::move(environment));
  options.default_engine_endpoint = "ipc:///run/tallybus/engine.sock";
  options.default_admin_address = "unix:/run/tallybus/admin.sock";
  absl::StatusOr<Config> config = Load(options);
  if (config.ok()) return config;
  // Tests name the file as an operator in its directory would.
  return absl::Status(config.status().code(),
                      absl::StrReplaceAll(config.status().message(), {{file, "t.yaml"}}));
}

// What Load says about `text`; empty: it takes it.
inline std::string ErrorOf(const std::string& text, std::vector<std::string> sets = {},
                           Environment environment = {}) {
  return std::string(LoadText(text, std::move(sets), std::move(environment)).status().message());
}

}  // namespace tallybus::config

#endif  // TALLYBUS_TESTS_APPS_TALLYBUSD_CONFIG_LOAD_TEXT_H_
