// The keys of the configuration file and what each takes, but for those of apps and routes.
#include "config_load.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "api_keys.h"
#include "app_keys.h"
#include "client_keys.h"
#include "config_reader.h"
#include "listen_address.h"
#include "overrides.h"
#include "route_keys.h"
#include "runtime_dir.h"
#include "sending_keys.h"
#include "state_dir.h"
#include "test_keys.h"
#include "yaml_tree.h"

namespace tallybus::config {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr size_t kLongestNodeName = 255;
constexpr int64_t kMemorySpoolBytes = 64 * kMiB;
constexpr int64_t kDiskSpoolBytes = 4096 * kMiB;
constexpr absl::Duration kLongestSessionTtl = absl::Hours(365 * 24);
constexpr absl::Duration kLongestRetained = absl::Hours(30 * 24);
constexpr absl::Duration kLongestDeadLetter = absl::Hours(365 * 24);
// SQLite opens names of up to 512 bytes; the rest is for the files in the directory.
constexpr size_t kLongestSpoolPath = 480;

constexpr Choice<LogLevel> kLogLevels[] = {{"debug", LogLevel::kDebug},
                                           {"info", LogLevel::kInfo},
                                           {"warning", LogLevel::kWarning},
                                           {"error", LogLevel::kError}};

constexpr Choice<Sync> kSyncs[] = {
    {"commit", Sync::kCommit}, {"interval", Sync::kInterval}, {"off", Sync::kOff}};
constexpr Choice<OnLost> kOnLosts[] = {{"fail_streams", OnLost::kFailStreams},
                                       {"nothing", OnLost::kNothing}};

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

absl::Status CheckSpoolPath(const std::string& path) {
  if (path == kMemorySpool) return absl::OkStatus();
  if (path.empty()) return absl::InvalidArgumentError("names no directory, and is not memory");
  if (!path.starts_with('/')) {
    std::error_code ignored;
    const std::string absolute = std::filesystem::absolute(path, ignored).lexically_normal();
    return absl::InvalidArgumentError(
        absl::StrCat("must be memory, or an absolute path; did you mean ", absolute, "?"));
  }
  if (path.size() > kLongestSpoolPath) {
    return absl::InvalidArgumentError(absl::StrCat("must have at most ", kLongestSpoolPath,
                                                   " bytes; this one has ", path.size()));
  }
  return absl::OkStatus();
}

absl::Status ReadSpoolPath(const Value& value, Spool& spool) {
  absl::StatusOr<std::string> path = value.Text();
  if (!path.ok()) return path.status();
  if (absl::Status status = CheckSpoolPath(*path); !status.ok()) return value.Error(status);
  while (path->size() > 1 && path->back() == '/') path->pop_back();
  spool.path = *std::move(path);
  return absl::OkStatus();
}

constexpr Key<Node> kNodeKeys[] = {{"name", ReadNodeName}};

constexpr Key<WebTls> kTlsKeys[] = {
    {"cert_file", [](const Value& v, WebTls& out) { return Store(v.Text(), out.cert_file); }},
    {"key_file", [](const Value& v, WebTls& out) { return Store(v.Text(), out.key_file); }},
};

absl::Status ReadTls(const Value& value, Listen& out) {
  if (absl::Status status = ReadKeys<WebTls>(value, kTlsKeys, out.tls); !status.ok()) return status;
  if (out.tls.cert_file.empty() == out.tls.key_file.empty()) return absl::OkStatus();
  return value.Error(out.tls.key_file.empty() ? "cert_file needs its key_file beside it"
                                              : "key_file needs its cert_file beside it");
}

constexpr Key<Listen> kListenKeys[] = {
    {"engine",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.engine); }},
    {"open",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.open); }},
    {"clients",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseBusEndpoint, out.clients); }},
    {"web", [](const Value& v, Listen& out) { return ReadListener(v, ParseWebAddress, out.web); }},
    {"admin",
     [](const Value& v, Listen& out) { return ReadListener(v, ParseAdminAddress, out.admin); }},
    {"curve", nullptr},
    {"curve_public_key_file", nullptr},
    {"curve_secret_key_file", nullptr},
    {"curve_allowed_keys", nullptr},
    {"tls", ReadTls},
};

constexpr Key<Spool> kSpoolKeys[] = {
    {"path", ReadSpoolPath},
    {"max_size",
     [](const Value& v, Spool& out) { return Store(v.Size(kMiB, kMiB * kMiB), out.max_bytes); }},
    {"sync",
     [](const Value& v, Spool& out) { return Store(ReadChoice<Sync>(v, kSyncs), out.sync); }},
    {"retain",
     [](const Value& v, Spool& out) {
       return Store(v.Duration(absl::ZeroDuration(), kLongestRetained), out.retain);
     }},
    {"dead_letter_age",
     [](const Value& v, Spool& out) {
       return Store(v.Duration(absl::Minutes(1), kLongestDeadLetter), out.dead_letter_age);
     }},
    {"dead_letter_size",
     [](const Value& v, Spool& out) {
       return Store(v.Size(kMiB, kMiB * kMiB), out.dead_letter_bytes);
     }},
};

constexpr Key<Engines> kEnginesKeys[] = {
    {"grace",
     [](const Value& v, Engines& out) {
       return Store(v.Duration(absl::Seconds(1), absl::Hours(1)), out.grace);
     }},
    {"on_lost", [](const Value& v,
                   Engines& out) { return Store(ReadChoice<OnLost>(v, kOnLosts), out.on_lost); }},
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
    {"routes", [](const Value& v, Config& out) { return ReadRoutes(v, out.routes); }},
    {"engines",
     [](const Value& v, Config& out) { return ReadKeys<Engines>(v, kEnginesKeys, out.engines); }},
    {"clients", [](const Value& v, Config& out) { return ReadClients(v, out.clients); }},
    {"api", [](const Value& v, Config& out) { return ReadApi(v, out.api); }},
    {"plugins", [](const Value& v, Config& out) { return ReadPlugins(v, out.plugins); }},
    {"tests", [](const Value& v, Config& out) { return ReadTests(v, out.tests); }},
    {"session_ttl",
     [](const Value& v, Config& out) {
       return Store(v.Duration(absl::Minutes(1), kLongestSessionTtl), out.session_ttl);
     }},
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
  config.spool.path = "";      // until ResolveSpool
  config.spool.max_bytes = 0;  // the same
  if (options.written_listeners_only) {
    config.listen = {.engine = {}, .open = {}, .clients = {}, .web = {}, .admin = {}, .tls = {}};
    return config;
  }
  config.listen.engine = options.default_engine_endpoint.empty()
                             ? "ipc://" + RuntimeDir(options.getenv) + "/engine.sock"
                             : options.default_engine_endpoint;
  config.listen.admin = options.default_admin_address.empty()
                            ? "unix:" + RuntimeDir(options.getenv) + "/admin.sock"
                            : options.default_admin_address;
  return config;
}

// A default follows the environment, so it too can be impossible; a written one was checked where
// it was read.
absl::Status CheckDefault(const char* key, const std::optional<std::string>& address,
                          absl::StatusOr<std::string> (*parse)(std::string_view)) {
  if (!address) return absl::OkStatus();
  absl::Status status = parse(*address).status();
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(key, ", by default ", *address, ": ", status.message(),
                                   "; set it, or another runtime directory"));
}

absl::Status CheckDefaults(const Listen& listen) {
  absl::Status status = CheckDefault("listen.engine", listen.engine, ParseBusEndpoint);
  if (status.ok()) status = CheckDefault("listen.admin", listen.admin, ParseAdminAddress);
  return status;
}

// What the written values leave open: where, and how much by that.
absl::Status ResolveSpool(const LoadOptions& options, Spool& spool) {
  if (spool.path.empty()) {
    spool.path =
        options.default_spool_path.empty() ? StateDir(options.getenv) : options.default_spool_path;
    if (absl::Status status = CheckSpoolPath(spool.path); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("spool.path, by default ", spool.path, ": ",
                                                      status.message()));
    }
  }
  if (spool.max_bytes == 0)
    spool.max_bytes = spool.InMemory() ? kMemorySpoolBytes : kDiskSpoolBytes;
  return absl::OkStatus();
}

absl::Status CheckSending(const Config& config) {
  absl::Status status;
  for (const auto& [key, app] : config.apps) {
    status.Update(CheckQuota(app, config.spool.max_bytes));
    status.Update(CheckFormat(app));
  }
  for (const Route& route : config.routes) {
    status.Update(CheckQuota(route, config.spool.max_bytes));
    status.Update(CheckFormat(route));
  }
  return status;
}

}  // namespace

absl::StatusOr<Config> Load(const LoadOptions& options) {
  absl::StatusOr<YamlNodePtr> tree = ReadTree(options);
  if (!tree.ok()) return tree.status();
  Config config = Defaults(options);
  const Mark top = {std::make_shared<const std::string>(options.file.value_or("")), 0, 0};
  const Value root(*tree, "", top, options.getenv);
  if (absl::Status status = ReadKeys<Config>(root, kTopKeys, config); !status.ok()) return status;
  if (absl::Status status = CheckDefaults(config.listen); !status.ok()) return status;
  if (absl::Status status = ResolveSpool(options, config.spool); !status.ok()) return status;
  if (absl::Status status = CheckSending(config); !status.ok()) return status;
  absl::Status clients = CheckClients(config.clients, config.listen);
  if (!clients.ok()) return clients;
  if (config.apps.empty()) {
    App app = DefaultApp();
    config.apps.emplace(app.key, std::move(app));
    config.default_app_used = true;
  }
  return config;
}

}  // namespace tallybus::config
