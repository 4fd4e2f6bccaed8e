// The effective configuration as the file that would give it.
#include "config_print.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <string_view>
#include <utility>

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

// Lines of "key: value" at growing depth.
class Lines {
 public:
  void Section(int depth, const std::string& key) { Add(depth, key, ""); }
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
}

void PrintRestClientConfig(const App& app, Lines& out) {
  if (app.rest_client_config_methods.empty()) return out.Entry(2, "rest_client_config", "{}");
  out.Section(2, "rest_client_config");
  for (const std::string& method : app.rest_client_config_methods) {
    const MethodPolicy& policy = app.rest_client_config->For(method);
    out.Section(3, method);
    out.Entry(4, "clientExclude", FieldList(policy.client_exclude));
    out.Entry(4, "restExclude", FieldList(policy.rest_exclude));
    out.Entry(4, "restOnError", policy.on_error == OnError::kFail ? "FAIL" : "LOG");
    out.Entry(4, "restPolicy", policy.rest_policy == RestPolicy::kDisable ? "DISABLE" : "NOTIFY");
    out.Entry(4, "restOverwrite", Quote(""));  // with OVERWRITE only, which Load refuses
  }
}

void PrintApp(const App& app, Lines& out) {
  out.Section(1, app.key);
  out.Entry(2, "url", app.url ? Scalar(*app.url) : "off");
  out.Entry(2, "methods", app.methods.empty() ? "all" : List(app.methods));
  out.Entry(2, "delivery", "notify");
  out.Entry(2, "retry", app.retry == Retry::kLive ? "live" : "none");
  out.Entry(2, "timeout", DurationText(app.timeout));
  out.Entry(2, "max_connections", std::to_string(app.max_connections));
  out.Entry(2, "success", app.strict_success ? "200" : "2xx");
  out.Entry(2, "network", app.network == Network::kPublic ? "public" : "private");
  out.Entry(2, "allow_cidrs", List(app.allow_cidrs));
  out.Section(2, "tls");
  out.Entry(3, "ca_file", Scalar(app.ca_file));
  PrintRestClientConfig(app, out);
}

}  // namespace

std::string Print(const Config& config) {
  Lines out;
  out.Section(0, "node");
  out.Entry(1, "name", Scalar(config.node.name));
  PrintListen(config.listen, out);
  out.Section(0, "spool");
  out.Entry(1, "path", Scalar(config.spool.path));
  out.Entry(1, "max_size", SizeText(config.spool.max_bytes));
  out.Section(0, "log");
  out.Entry(1, "level", LevelName(config.log_level));
  out.Section(0, "apps");
  for (const auto& [key, app] : config.apps) PrintApp(app, out);
  return out.Take();
}

}  // namespace tallybus::config
