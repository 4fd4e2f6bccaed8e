// The keys of the configuration file and what each takes, but for those of an app.
#include "config_load.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "app_keys.h"
#include "config_reader.h"
#include "listen_address.h"
#include "overrides.h"
#include "runtime_dir.h"
#include "yaml_tree.h"

namespace tallybus::config {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr size_t kLongestNodeName = 255;

constexpr Choice<LogLevel> kLogLevels[] = {{"debug", LogLevel::kDebug},
                                           {"info", LogLevel::kInfo},
                                           {"warning", LogLevel::kWarning},
                                           {"error", LogLevel::kError}};

absl::Status ReadNodeName(const Value& value, Node& node) {
  absl::StatusOr<std::string> name = value.Text();
  if (!name.ok()) return name.status();
  if (name->empty() || name->size() > kLongestNodeName) {
    return value.Error(absl::StrCat("must have 1 to ", kLongestNodeName, " bytes"));
  }
  node.name = *std::move(name);
  return absl::OkStatus();
}

template <typename T>
absl::Status ReadListener(const Value& value, absl::StatusOr<T> (*parse)(std::string_view),
                          std::optional<T>& out) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  if (*text == "off") {
    out.reset();
    return absl::OkStatus();
  }
  absl::StatusOr<T> address = parse(*text);
  if (!address.ok()) return value.Error(address.status());
  out = *std::move(address);
  return absl::OkStatus();
}

absl::Status ReadSpoolPath(const Value& value, Spool& spool) {
  absl::StatusOr<std::string> path = value.Text();
  if (!path.ok()) return path.status();
  if (*path != "memory") {
    return value.LaterValue("a spool on disk; write memory");
  }
  spool.path = *std::move(path);
  return absl::OkStatus();
}

constexpr Key<Node> kNodeKeys[] = {{"name", ReadNodeName}};

constexpr Key<Listen> kListenKeys[] = {
    {"engine",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.engine); }},
    {"open",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.open); }},
    {"clients",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.clients); }},
    {"web", [](const Value& v, Listen& out) { return ReadListener(v, ParseWebAddress, out.web); }},
    {"admin", nullptr},
    {"curve", nullptr},
    {"curve_public_key_file", nullptr},
    {"curve_secret_key_file", nullptr},
    {"curve_allowed_keys", nullptr},
    {"tls", nullptr},
};

constexpr Key<Spool> kSpoolKeys[] = {
    {"path", ReadSpoolPath},
    {"max_size",
     [](const Value& v, Spool& out) { return Store(v.Size(kMiB, kMiB * kMiB), out.max_bytes); }},
    {"sync", nullptr},
    {"retain", nullptr},
};

constexpr Key<Config> kLogKeys[] = {
    {"level",
     [](const Value& v, Config& out) {
       return Store(ReadChoice<LogLevel>(v, kLogLevels), out.log_level);
     }},
    {"format", nullptr},
};

constexpr Key<Config> kTopKeys[] = {
    {"node", [](const Value& v, Config& out) { return ReadKeys<Node>(v, kNodeKeys, out.node); }},
    {"listen",
     [](const Value& v, Config& out) { return ReadKeys<Listen>(v, kListenKeys, out.listen); }},
    {"spool",
     [](const Value& v, Config& out) { return ReadKeys<Spool>(v, kSpoolKeys, out.spool); }},
    {"log", [](const Value& v, Config& out) { return ReadKeys<Config>(v, kLogKeys, out); }},
    {"apps", [](const Value& v, Config& out) { return ReadApps(v, out.apps); }},
    {"routes", nullptr},
    {"engines", nullptr},
    {"clients", nullptr},
    {"plugins", nullptr},
    {"tests", nullptr},
    {"session_ttl", nullptr},
};

absl::StatusOr<std::string> ReadFile(const std::string& file) {
  const auto failed = [&file] { return absl::ErrnoToStatus(errno, file + ": cannot be read"); };
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failed();
  std::string text;
  char buffer[16 * 1024];
  ssize_t got = 0;
  while (text.size() <= kMaxFileBytes && (got = read(descriptor, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  absl::Status status = got < 0 ? failed() : absl::OkStatus();
  close(descriptor);
  if (!status.ok()) return status;
  if (text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": larger than ", kMaxFileBytes, " bytes, which no configuration is"));
  }
  return text;
}

absl::StatusOr<YamlNodePtr> ReadTree(const LoadOptions& options) {
  absl::StatusOr<YamlNodePtr> tree = std::make_shared<const YamlNode>();
  if (options.file) {
    absl::StatusOr<std::string> text = ReadFile(*options.file);
    if (!text.ok()) return text.status();
    tree = ParseYaml(*text, *options.file);
  }
  for (const std::string& set : options.sets) {
    if (!tree.ok()) break;
    tree = ApplyOverride(*tree, set);
  }
  return tree;
}

std::string HostName() {
  char name[kLongestNodeName + 1] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

Config Defaults(const LoadOptions& options) {
  Config config;
  config.node.name = HostName();
  config.listen.engine = options.default_engine_endpoint.empty()
                             ? "ipc://" + RuntimeDir(options.getenv) + "/engine.sock"
                             : options.default_engine_endpoint;
  return config;
}

// The default follows the environment, so it too can be impossible; a written one was checked where
// it was read.
absl::Status CheckDefaultEngine(const Config& config) {
  if (!config.listen.engine) return absl::OkStatus();
  absl::Status status = ParseBusEndpoint(*config.listen.engine).status();
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("listen.engine, by default ", *config.listen.engine, ": ",
                                   status.message(), "; set it, or another runtime directory"));
}

}  // namespace

absl::StatusOr<Config> Load(const LoadOptions& options) {
  absl::StatusOr<YamlNodePtr> tree = ReadTree(options);
  if (!tree.ok()) return tree.status();
  Config config = Defaults(options);
  const Mark top = {std::make_shared<const std::string>(options.file.value_or("")), 0, 0};
  const Value root(*tree, "", top, options.getenv);
  if (absl::Status status = ReadKeys<Config>(root, kTopKeys, config); !status.ok()) return status;
  if (absl::Status status = CheckDefaultEngine(config); !status.ok()) return status;
  if (config.apps.empty()) {
    App app = DefaultApp();
    config.apps.emplace(app.key, std::move(app));
    config.default_app_used = true;
  }
  return config;
}

}  // namespace tallybus::config
