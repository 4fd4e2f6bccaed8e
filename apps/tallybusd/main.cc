// tallybusd: the router as a process beside the media engine.
#include <absl/flags/flag.h>
#include <absl/flags/parse.h>
#include <absl/flags/usage.h>
#include <absl/flags/usage_config.h>
#include <absl/strings/match.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "check_command.h"
#include "config/config_load.h"
#include "config/config_print.h"
#include "daemon.h"
#include "plugins/loader/plugin_thread.h"
#include "spd_log.h"
#include "transport_catalog.h"
#include "transports/parts/linked_transport.h"
#include "web_credentials.h"

ABSL_FLAG(std::string, config, "", "the configuration file (YAML)");
ABSL_FLAG(bool, check, false,
          "read the configuration, say what is wrong with it and around it, and exit");
ABSL_FLAG(
    bool, no_environment, false,
    "with --check: the file alone; not the spool, the addresses to listen on, the plugins, the "
    "endpoints");
ABSL_FLAG(bool, print_config, false, "print the effective configuration and exit");
ABSL_FLAG(bool, dev, false,
          "for trying out: with an echo backend at 127.0.0.1:8081, "
          "and a spool in memory unless spool.path is written");

// jemalloc's own: two cores' worth of arenas, and memory goes back to the system after a second, so
// that a burst of large events does not stay for long; by a thread, since else it goes back only
// while events come. Without jemalloc it means nothing.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf =
    "narenas:2,background_thread:true,max_background_threads:1,dirty_decay_ms:1000,"
    "muzzy_decay_ms:0";
}

namespace tallybus {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "tallybusd: %s\n", std::string(status.message()).c_str());
  return 1;
}

// Takes every `--set key=value` out of the arguments: a flag of Abseil keeps its last value alone.
std::vector<std::string> TakeSets(std::vector<char*>& args) {
  std::vector<std::string> sets;
  std::vector<char*> rest;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string arg = args[i];
    if (arg == "--set" && i + 1 < args.size()) {
      sets.emplace_back(args[++i]);
    } else if (absl::StartsWith(arg, "--set=")) {
      sets.push_back(arg.substr(6));
    } else {
      rest.push_back(args[i]);
    }
  }
  args = rest;
  return sets;
}

// Abseil knows flags with underscores; people write --print-config.
void AcceptDashes(std::vector<char*>& args) {
  static char print_config[] = "--print_config";
  static char no_environment[] = "--no_environment";
  for (char*& arg : args) {
    if (std::string(arg) == "--print-config") arg = print_config;
    if (std::string(arg) == "--no-environment") arg = no_environment;
  }
}

absl::Status Serve(Daemon::Options options) {
  auto signals = BlockSignals();
  if (!signals.ok()) return signals.status();
  std::unique_ptr<Log> log = NewStderrLog(options.config.log_level);
  auto daemon = Daemon::Start(std::move(options), *log, **signals);
  if (!daemon.ok()) return daemon.status();
  (*daemon)->Run();
  return absl::OkStatus();
}

int Main(std::vector<std::string> sets) {
  if (absl::GetFlag(FLAGS_no_environment) && !absl::GetFlag(FLAGS_check)) {
    return Fail(absl::InvalidArgumentError("--no-environment goes with --check"));
  }
  config::LoadOptions load;
  if (const std::string file = absl::GetFlag(FLAGS_config); !file.empty()) load.file = file;
  load.sets = std::move(sets);
  if (absl::GetFlag(FLAGS_dev)) load.default_spool_path = config::kMemorySpool;
  absl::StatusOr<config::Config> config = config::Load(load);
  if (!config.ok()) return Fail(config.status());
  const absl::StatusOr<TransportCatalog> catalog = MakeCatalog(*config);
  if (!catalog.ok()) return Fail(catalog.status());
  EndpointIds ids;
  const auto routes = MakeRoutes(*config, catalog->registry, {}, &ids);
  if (!routes.ok()) return Fail(routes.status());
  if (absl::Status status = WebCredentials::Check(*config); !status.ok()) return Fail(status);
  if (absl::GetFlag(FLAGS_print_config)) {
    std::fputs(config::Print(*config, catalog->registry).c_str(), stdout);
    return 0;
  }
  if (absl::GetFlag(FLAGS_check)) {
    return RunCheck(*config, *catalog,
                    {.file = load.file.value_or("the defaults"),
                     .environment = !absl::GetFlag(FLAGS_no_environment),
                     .own_backend = absl::GetFlag(FLAGS_dev) ? Daemon::kEchoAddress : ""});
  }
  absl::Status status = Serve({.config = *std::move(config),
                               .reload = [load] { return config::Load(load); },
                               .dev = absl::GetFlag(FLAGS_dev)});
  return status.ok() ? 0 : Fail(status);
}

}  // namespace
}  // namespace tallybus

int main(int argc, char** argv) {
  std::vector<char*> args(argv, argv + argc);
  std::vector<std::string> sets = tallybus::TakeSets(args);
  tallybus::AcceptDashes(args);
  absl::SetProgramUsageMessage(
      "carries stream status from media engines to clients and backends.\n"
      "  tallybusd [--config F] [--set key=value]... [--dev]\n"
      "  tallybusd [--config F] --check [--no-environment] | --print-config");
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return std::string("tallybusd " TALLYBUS_VERSION "\n"); };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> left =
      absl::ParseCommandLine(static_cast<int>(args.size()), args.data());
  if (left.size() > 1) {
    std::fprintf(stderr, "tallybusd: \"%s\" is not an option; did you mean --config %s?\n", left[1],
                 left[1]);
    return 1;
  }
  const int code = tallybus::Main(std::move(sets));
  if (tallybus::loader::StuckThreads() + tallybus::parts::LinksLeftAlone() == 0) return code;
  std::fflush(nullptr);
  _exit(code);  // exit() may wait for what one that is stuck has locked
}
