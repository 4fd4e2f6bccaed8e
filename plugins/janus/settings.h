// The settings of janus.eventhandler.tallybusevh.jcfg, checked. Pure: text in, values out.
#ifndef TALLYBUS_PLUGINS_JANUS_SETTINGS_H_
#define TALLYBUS_PLUGINS_JANUS_SETTINGS_H_

#include <string>
#include <vector>

namespace tallybus::janus {

struct Settings {
  bool enabled = false;
  std::string endpoint;  // empty: the runtime directory's, found by the engine library
  std::string node_id;   // empty: the host's name
  std::string app_key = "defaultApp";
  bool sessions = true;
  bool streams = true;
  bool jsep = false;
  bool connect = false;      // ask the backend about each session
  std::string admin_url;     // Janus's Admin API, without a slash at the end; empty: none
  std::string admin_secret;  // never in a log
};

// One line of the file as Janus's parser hands it over: numbers and booleans have become text.
struct Setting {
  std::string key;
  std::string value;
  bool is_value = true;  // false: a group or a list stands where a value belongs
};

// Fills *settings from the file's "general" group. Returns nothing, or one line that names what is
// wrong and how to mend it; then *settings is not to be used.
[[nodiscard]] std::string ReadSettings(const std::vector<Setting>& general, Settings* settings);

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_SETTINGS_H_
