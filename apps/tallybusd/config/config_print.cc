// The effective configuration as the file that would give it.
#include "config_print.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "option_keys.h"
#include "sending_keys.h"
#include "units.h"

namespace tallybus::config {
namespace {

// Whether YAML reads `text` as it stands, everywhere: no indicator, not the null.
bool IsPlainScalar(std::string_view text) {
  if (text.empty() || text.back() == ':') return false;
  const auto letter = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  if (!letter(text.front()) && text.front() != '/') return false;
  if (text == "null" || text == "Null" || text == "NULL") return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || std::string_view("_./:@+-").find(c) != std::string_view::npos;
  });
}

std::string Quote(std::string_view text) {
  if (IsPlainScalar(text)) return std::string(text);
  const std::string escaped =
      absl::StrReplaceAll(std::string(text), {{"\\", "\\\\"}, {"\"", "\\\""}});
  return absl::StrCat("\"", escaped, "\"");
}

// A value: what is read has its variables replaced once more.
std::string Scalar(const std::string& text) {
  return Quote(absl::StrReplaceAll(text, {{"$", "$$"}}));
}

std::string List(const std::vector<std::string>& items) {
  return absl::StrCat(
      "[",
      absl::StrJoin(items, ", ",
                    [](std::string* out, const std::string& s) { out->append(Scalar(s)); }),
      "]");
}

std::string FieldList(const FieldSetPtr& fields) {
  return Scalar(fields == nullptr ? "" : absl::StrJoin(*fields, ","));
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

std::string_view SyncText(Sync sync) {
  switch (sync) {
    case Sync::kCommit:
      return "commit";
    case Sync::kInterval:
      return "interval";
    case Sync::kOff:
      return "off";
  }
  return "";
}

std::string_view OnErrorText(OnError on_error) {
  return on_error == OnError::kFail ? "FAIL" : "LOG";
}

std::string_view PickText(PickOf pick) {
  switch (pick) {
    case PickOf::kAll:
      return "all";
    case PickOf::kFirstHealthy:
      return "first_healthy";
    case PickOf::kRoundRobin:
      break;
  }
  return "round_robin";
}

// Lines of "key: value" at growing depth.
class Lines {
 public:
  void Section(int depth, const std::string& key) { Add(depth, key, ""); }
  // The first line of an item of a list; those that follow it stand at the same depth.
  void Item(int depth, const std::string& key, std::string_view value) {
    Entry(depth, key, value);
    const size_t line = text_.rfind('\n', text_.size() - 2) + 1;
    text_[line + static_cast<size_t>(depth) * 2 - 2] = '-';
  }
  void Entry(int depth, const std::string& key, std::string_view value) {
    Add(depth, key, " " + std::string(value));
  }
  std::string Take() { return std::move(text_); }

 private:
  void Add(int depth, const std::string& key, const std::string& rest) {
    text_ += std::string(static_cast<size_t>(depth) * 2, ' ') + Quote(key) + ":" + rest + "\n";
  }
  std::string text_;
};

void PrintListen(const Listen& listen, Lines& out) {
  const auto or_off = [](const std::optional<std::string>& endpoint) {
    return endpoint ? Scalar(*endpoint) : "off";
  };
  out.Section(0, "listen");
  out.Entry(1, "engine", or_off(listen.engine));
  out.Entry(1, "open", or_off(listen.open));
  out.Entry(1, "clients", or_off(listen.clients));
  out.Entry(1, "web", listen.web ? Scalar(listen.web->ToString()) : "off");
  out.Entry(1, "admin", or_off(listen.admin));
  if (listen.tls.empty()) return;
  out.Section(1, "tls");
  out.Entry(2, "cert_file", Scalar(listen.tls.cert_file));
  out.Entry(2, "key_file", Scalar(listen.tls.key_file));
}

void PrintRestClientConfig(const App& app, Lines& out) {
  if (app.rest_client_config_methods.empty()) return out.Entry(2, "rest_client_config", "{}");
  out.Section(2, "rest_client_config");
  for (const std::string& method : app.rest_client_config_methods) {
    const MethodPolicy& policy = app.rest_client_config->For(method);
    out.Section(3, method);
    out.Entry(4, "clientExclude", FieldList(policy.client_exclude));
    out.Entry(4, "restExclude", FieldList(policy.rest_exclude));
    out.Entry(4, "restOnError", OnErrorText(policy.on_error));
    out.Entry(4, "restPolicy", RestPolicyWord(policy.rest_policy));
    out.Entry(4, "restOverwrite", FieldList(policy.rest_overwrite));
  }
}

std::string RetryText(const Sending& sending) {
  switch (sending.retry) {
    case Retry::kLive:
      return "live";
    case Retry::kStandard:
      return "standard";
    case Retry::kNone:
      return "none";
    case Retry::kList:
      break;
  }
  return absl::StrCat("[",
                      absl::StrJoin(sending.retry_delays, ", ",
                                    [](std::string* out, absl::Duration delay) {
                                      out->append(DurationText(delay));
                                    }),
                      "]");
}

std::string QuotaText(const std::optional<Quota>& quota) {
  if (!quota) return "share";
  return quota->percent > 0 ? absl::StrCat(quota->percent, "%") : SizeText(quota->bytes);
}

std::string SecretText(const Secret& secret) {
  return Scalar(secret.file.empty() ? kHiddenSecret : "file:" + secret.file);
}

void PrintCredentials(const Credentials& credentials, Lines& out) {
  if (!credentials.signing.empty()) out.Section(2, "signing");
  for (const SigningKey& each : credentials.signing) {
    out.Item(4, "key", SecretText(each.key));
    if (each.until == absl::InfiniteFuture()) continue;
    out.Entry(4, "until",
              Scalar(absl::FormatTime(absl::RFC3339_sec, each.until, absl::UTCTimeZone())));
  }
  if (credentials.username) out.Entry(2, "username", Scalar(*credentials.username));
  const std::pair<const char*, const std::optional<Secret>&> secrets[] = {
      {"password", credentials.password},
      {"bearer_token", credentials.bearer_token},
      {"wcs_hash_key", credentials.wcs_hash_key}};
  for (const auto& [key, secret] : secrets) {
    if (secret) out.Entry(2, key, SecretText(*secret));
  }
}

// What an app and a route of any transport have in common; both stand at depth 2.
void PrintSending(const Sending& sending, Lines& out) {
  out.Entry(2, "delivery", sending.delivery == Delivery::kNotify ? "notify" : "guaranteed");
  out.Entry(2, "retry", RetryText(sending));
  out.Entry(2, "timeout", DurationText(sending.timeout));
  out.Entry(2, "max_connections", std::to_string(sending.max_connections));
  out.Entry(2, "quota", QuotaText(sending.quota));
  out.Entry(2, "when_full", sending.when_full == WhenFull::kShed ? "shed" : "block");
  out.Entry(2, "on_head_failure",
            sending.on_head_failure == OnHeadFailure::kBlock ? "block" : "skip");
  out.Entry(2, "coalesce", sending.coalesce ? "true" : "false");
}

// The keys of transport rest.
void PrintRest(const Sending& sending, Lines& out) {
  out.Entry(2, "success", sending.strict_success ? "200" : "2xx");
  out.Entry(2, "network", sending.network == Network::kPublic ? "public" : "private");
  out.Entry(2, "allow_cidrs", List(sending.allow_cidrs));
  out.Section(2, "tls");
  out.Entry(3, "ca_file", Scalar(sending.ca_file));
  out.Entry(3, "cert_file", Scalar(sending.cert_file));
  out.Entry(3, "key_file", Scalar(sending.key_file));
  out.Entry(3, "http2", sending.http2 ? "true" : "false");
  PrintCredentials(sending.credentials, out);
  if (sending.compress_over) {
    out.Section(2, "compress");
    out.Entry(3, "over", SizeText(*sending.compress_over));
  }
  out.Entry(2, "format", FormatWord(sending.format));
  if (!sending.Batches()) return;
  out.Section(2, "batch");
  out.Entry(3, "max_events", std::to_string(sending.batch.max_events));
  out.Entry(3, "max_bytes", SizeText(sending.batch.max_bytes));
  out.Entry(3, "max_wait", DurationText(sending.batch.max_wait));
}

// What the transport does not know may be anything, a secret too.
std::string ShownOption(const Option& option, const TransportDescriptor* transport) {
  if (option.text.starts_with(kSecretFile)) return option.text;
  const OptionSpec* spec = transport ? FindSpec(transport->options, option.name) : nullptr;
  return spec != nullptr && spec->type != OptionType::kSecret ? option.text : "***";
}

void PrintOptions(const Route& route, const TransportDescriptor* transport, Lines& out) {
  if (route.options.empty()) return out.Entry(2, "options", "{}");
  out.Section(2, "options");
  for (const Option& option : route.options) {
    out.Entry(3, option.name, Scalar(ShownOption(option, transport)));
  }
}

void PrintApp(const App& app, Lines& out) {
  out.Section(1, app.key);
  out.Entry(2, "url", app.url ? Scalar(*app.url) : "off");
  out.Entry(2, "methods", app.methods.empty() ? "all" : List(app.methods));
  PrintSending(app, out);
  PrintRest(app, out);
  out.Entry(2, "stale_after", app.stale_after ? DurationText(*app.stale_after) : "off");
  out.Entry(2, "stream_keep_alive", app.keep_alive ? DurationText(*app.keep_alive) : "off");
  PrintRestClientConfig(app, out);
}

// An app or a status has no word for any: the key is left out.
void PrintMatch(const Match& match, Lines& out) {
  out.Section(2, "match");
  if (!match.apps.empty()) out.Entry(3, "app", List(match.apps));
  out.Entry(3, "methods", match.methods.empty() ? "all" : List(match.methods));
  if (!match.statuses.empty()) out.Entry(3, "status", List(match.statuses));
}

void PrintRoute(const Route& route, const TransportRegistry& registry, Lines& out) {
  out.Item(2, "name", Scalar(route.name));
  PrintMatch(route.match, out);
  out.Entry(2, "transport", Scalar(route.transport));
  std::vector<std::string> endpoints = {route.url.value_or("")};
  for (const Alternative& other : route.alternatives) endpoints.push_back(other.url);
  out.Entry(2, "endpoints", List(endpoints));
  if (route.pick) out.Entry(2, "pick", PickText(*route.pick));
  out.Entry(2, "dry_run", route.dry_run ? "true" : "false");
  out.Entry(2, "exclude", route.exclude ? List(*route.exclude) : "[]");
  out.Entry(2, "on_error", OnErrorText(route.on_error));
  PrintSending(route, out);
  if (route.transport == kRest) return PrintRest(route, out);
  PrintOptions(route, registry.Find(route.transport), out);
}

void PrintSpool(const Spool& spool, Lines& out) {
  out.Section(0, "spool");
  out.Entry(1, "path", Scalar(spool.path));
  out.Entry(1, "sync", SyncText(spool.sync));
  out.Entry(1, "max_size", SizeText(spool.max_bytes));
  out.Entry(1, "retain", DurationText(spool.retain));
  out.Entry(1, "dead_letter_age", DurationText(spool.dead_letter_age));
  out.Entry(1, "dead_letter_size", SizeText(spool.dead_letter_bytes));
}

void PrintEngines(const Engines& engines, Lines& out) {
  out.Section(0, "engines");
  out.Entry(1, "grace", DurationText(engines.grace));
  out.Entry(1, "on_lost", engines.on_lost == OnLost::kNothing ? "nothing" : "fail_streams");
}

std::string_view AuthText(ClientsAuth auth) {
  switch (auth) {
    case ClientsAuth::kToken:
      return "token";
    case ClientsAuth::kConnect:
      return "connect";
    case ClientsAuth::kNone:
      break;
  }
  return "none";
}

void PrintTokenKeys(const TokenKeys& keys, Lines& out) {
  out.Section(1, "token");
  if (!keys.hs256_secret_files.empty()) {
    out.Entry(2, "hs256_secret_file", List(keys.hs256_secret_files));
  }
  if (!keys.ed25519_key_files.empty()) {
    out.Entry(2, "ed25519_key_file", List(keys.ed25519_key_files));
  }
}

void PrintClients(const Clients& clients, Lines& out) {
  out.Section(0, "clients");
  out.Entry(1, "auth", AuthText(clients.auth));
  if (!clients.token.empty()) PrintTokenKeys(clients.token, out);
  out.Entry(1, "max", std::to_string(clients.most));
  out.Entry(1, "queue_events", std::to_string(clients.queue_events));
  out.Entry(1, "queue_bytes", SizeText(clients.queue_bytes));
  out.Entry(1, "replay_events", std::to_string(clients.replay_events));
  out.Entry(1, "replay_bytes", SizeText(clients.replay_bytes));
  out.Entry(1, "ping_interval", DurationText(clients.ping_interval));
  out.Entry(1, "allowed_origins", List(clients.allowed_origins));
  out.Entry(1, "allowed_hosts", List(clients.allowed_hosts));
}

// Key and text of each top-level section, in order.
std::vector<std::pair<std::string, std::string>> Sections(const Config& config) {
  std::vector<std::pair<std::string, std::string>> sections;
  for (const absl::string_view line : absl::StrSplit(Print(config), '\n')) {
    if (!line.empty() && line[0] != ' ') {
      sections.emplace_back(std::string(line.substr(0, line.find(':'))), "");
    }
    if (!sections.empty()) absl::StrAppend(&sections.back().second, line, "\n");
  }
  return sections;
}

}  // namespace

std::vector<std::string> ChangedKeys(const Config& before, const Config& after) {
  const auto was = Sections(before);
  const auto is = Sections(after);
  std::vector<std::string> changed;
  for (size_t i = 0; i < std::min(was.size(), is.size()); ++i) {
    if (was[i] != is[i]) changed.push_back(is[i].first);
  }
  return changed;
}

std::string Print(const Config& config, const TransportRegistry& registry) {
  Lines out;
  out.Section(0, "node");
  out.Entry(1, "name", Scalar(config.node.name));
  PrintListen(config.listen, out);
  PrintSpool(config.spool, out);
  PrintEngines(config.engines, out);
  out.Entry(0, "session_ttl", DurationText(config.session_ttl));
  PrintClients(config.clients, out);
  out.Section(0, "api");
  if (!config.api.token_file.empty()) out.Entry(1, "token_file", Scalar(config.api.token_file));
  out.Section(0, "log");
  out.Entry(1, "level", LevelName(config.log_level));
  out.Section(0, "apps");
  for (const auto& [key, app] : config.apps) PrintApp(app, out);
  std::vector<std::string> plugins;
  for (const PluginFile& plugin : config.plugins) plugins.push_back(plugin.path);
  out.Entry(0, "plugins", List(plugins));
  if (config.routes.empty()) {
    out.Entry(0, "routes", "[]");
  } else {
    out.Section(0, "routes");
  }
  for (const Route& route : config.routes) PrintRoute(route, registry, out);
  return out.Take();
}

}  // namespace tallybus::config
