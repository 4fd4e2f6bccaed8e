// --option k=v, judged as the daemon judges a route's.
#include "apps/tallybus/plugin_setting.h"

#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "apps/tallybus/flags.h"
#include "apps/tallybusd/config/option_keys.h"
#include "plugins/loader/loader.h"
#include "transports/builtin.h"

namespace tallybus::cli {
namespace {

absl::StatusOr<std::vector<config::Option>> WrittenOptions() {
  std::vector<config::Option> options;
  for (const std::string& word : absl::GetFlag(FLAGS_option).values) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError("--option: must be NAME=VALUE");
    }
    const std::string name = word.substr(0, equals);
    options.push_back({name, word.substr(equals + 1), "--option " + name, "--option " + name});
  }
  return options;
}

}  // namespace

absl::StatusOr<std::string> PluginFile(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) return absl::InvalidArgumentError("which plugin? One FILE.so");
  std::error_code error;
  const std::string path = std::filesystem::absolute(arguments[0], error).lexically_normal();
  return error ? arguments[0] : path;
}

absl::StatusOr<loader::PluginPtr> LoadAsDaemon(const std::string& path,
                                               TransportRegistry& registry) {
  if (absl::Status status = RegisterBuiltinTransports(registry); !status.ok()) return status;
  return loader::LoadPlugin(path, registry);
}

absl::StatusOr<PluginSetting> ReadPluginSetting(const std::string& path, const std::string& url) {
  TransportRegistry registry;
  absl::StatusOr<loader::PluginPtr> plugin = LoadAsDaemon(path, registry);
  if (!plugin.ok()) return plugin.status();
  PluginSetting setting;
  setting.plugin = *std::move(plugin);
  setting.transport = *registry.Find(setting.plugin->scheme);
  const auto written = WrittenOptions();
  if (!written.ok()) return written.status();
  auto options = config::ResolveOptions(*written, setting.transport.options, "--option");
  if (!options.ok()) return options.status();
  setting.endpoint.id = 1;
  setting.endpoint.route = "tallybus";
  setting.endpoint.url = url;
  setting.endpoint.options = *std::move(options);
  setting.endpoint.timeout = absl::GetFlag(FLAGS_timeout).value_or(absl::Seconds(10));
  const absl::Status checked = setting.transport.check(setting.endpoint);
  if (!checked.ok()) {
    return absl::Status(checked.code(), absl::StrCat("--endpoint: ", checked.message()));
  }
  return setting;
}

}  // namespace tallybus::cli
