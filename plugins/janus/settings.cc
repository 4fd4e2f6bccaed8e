// The settings of janus.eventhandler.tallybusevh.jcfg, checked.
#include "settings.h"

#include <jansson.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>

namespace tallybus::janus {
namespace {

constexpr std::string_view kKnown =
    "enabled, endpoint, node_id, app_key, events, jsep, connect, admin_url, admin_secret";
constexpr size_t kMaxNameBytes = 255;

std::string Wrong(const Setting& setting, const std::string& mend) {
  return "general." + setting.key + " = \"" + setting.value + "\": " + mend;
}

std::string ReadFlag(const Setting& setting, bool* flag) {
  std::string value = setting.value;
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  *flag = value == "true" || value == "yes";
  if (*flag || value == "false" || value == "no") return "";
  return Wrong(setting, "must be true or false");
}

std::string ReadEndpoint(const Setting& setting, std::string* endpoint) {
  *endpoint = setting.value;
  for (std::string_view scheme : {"ipc://", "tcp://", "embedded:"}) {
    if (setting.value.starts_with(scheme) && setting.value.size() > scheme.size()) return "";
  }
  return Wrong(setting,
               "must be an address such as \"ipc:///run/tallybus/engine.sock\" or "
               "\"tcp://127.0.0.1:5583\", or \"embedded:\" and a file for a router inside Janus; "
               "leave it out "
               "for the runtime directory's");
}

std::string ReadName(const Setting& setting, std::string_view forbidden, std::string* name) {
  *name = setting.value;
  bool bad = std::any_of(name->begin(), name->end(), [&](unsigned char c) {
    return c <= ' ' || c == 0x7F || forbidden.find(static_cast<char>(c)) != forbidden.npos;
  });
  if (!bad && !name->empty() && name->size() <= kMaxNameBytes) return "";
  std::string mend = "must have 1 to 255 characters without spaces";
  if (!forbidden.empty()) mend += " or any of " + std::string(forbidden);
  return Wrong(setting, mend + "; leave it out for the default");
}

// What is wrong is not repeated: it may hold a password.
std::string ReadAdminUrl(const Setting& setting, std::string* url) {
  constexpr const char* kMend =
      "general.admin_url must be an address such as \"http://127.0.0.1:7088/admin\", by http or "
      "https, without a password, a query or spaces";
  std::string_view rest = setting.value;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  const bool has_scheme = rest.size() < setting.value.size();
  const bool bad = std::any_of(rest.begin(), rest.end(), [](unsigned char c) {
    return c <= ' ' || c >= 0x7F || c == '@' || c == '?' || c == '#' || c == '\\';
  });
  if (!has_scheme || bad || rest.empty() || rest.front() == '/' || rest.front() == ':') {
    return kMend;
  }
  *url = setting.value;
  while (url->ends_with('/')) url->pop_back();
  return "";
}

std::string ReadAdminSecret(const Setting& setting, std::string* secret) {
  *secret = setting.value;
  json_t* text = json_stringn(secret->data(), secret->size());  // null where it is no UTF-8
  const bool travels = text != nullptr && secret->find('\0') == std::string::npos;
  json_decref(text);
  return travels ? "" : "general.admin_secret must be UTF-8: it travels in JSON";
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string ReadEvents(const Setting& setting, Settings* settings) {
  settings->sessions = settings->streams = false;
  std::string_view rest = setting.value;
  while (true) {
    size_t comma = rest.find(',');
    std::string_view word = Trimmed(rest.substr(0, comma));
    if (word == "sessions") {
      settings->sessions = true;
    } else if (word == "streams") {
      settings->streams = true;
    } else if (word == "jsep") {
      return Wrong(setting, "jsep is a setting of its own: write jsep = true");
    } else {
      return Wrong(setting, "must list sessions, streams or both, separated by commas");
    }
    if (comma == std::string_view::npos) return "";
    rest.remove_prefix(comma + 1);
  }
}

std::string Read(const Setting& setting, Settings* settings) {
  const std::string& key = setting.key;
  if (key == "enabled") return ReadFlag(setting, &settings->enabled);
  if (key == "jsep") return ReadFlag(setting, &settings->jsep);
  if (key == "endpoint") return ReadEndpoint(setting, &settings->endpoint);
  if (key == "node_id") return ReadName(setting, "", &settings->node_id);
  if (key == "app_key") return ReadName(setting, "/", &settings->app_key);
  if (key == "events") return ReadEvents(setting, settings);
  if (key == "connect") return ReadFlag(setting, &settings->connect);
  if (key == "admin_url") return ReadAdminUrl(setting, &settings->admin_url);
  if (key == "admin_secret") return ReadAdminSecret(setting, &settings->admin_secret);
  return "general." + key + " is not a setting: known are " + std::string(kKnown);
}

std::string CheckConnect(const Settings& settings) {
  if (settings.connect && !settings.sessions) {
    return "general.connect = true needs sessions in general.events: it asks about sessions";
  }
  if (settings.connect && settings.admin_url.empty()) {
    return "general.connect = true needs general.admin_url, such as "
           "\"http://127.0.0.1:7088/admin\": a declined session is ended through Janus's Admin API";
  }
  return "";
}

}  // namespace

std::string ReadSettings(const std::vector<Setting>& general, Settings* settings) {
  for (const Setting& setting : general) {
    if (!setting.is_value) {
      return "general." + setting.key + " must be a single value: a group or a list stands there";
    }
    std::string wrong = Read(setting, settings);
    if (!wrong.empty()) return wrong;
  }
  if (settings->jsep && !settings->streams) {
    return "general.jsep = true needs streams in general.events: the SDP travels in stream events";
  }
  return CheckConnect(*settings);
}

}  // namespace tallybus::janus
