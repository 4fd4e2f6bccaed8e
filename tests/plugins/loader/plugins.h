// The plugins that the tests load.
#ifndef TALLYBUS_TESTS_PLUGINS_LOADER_PLUGINS_H_
#define TALLYBUS_TESTS_PLUGINS_LOADER_PLUGINS_H_

#include <string>

namespace tallybus::testing {

// A build of hostile.c: "hostile", "other_major", ...
inline std::string PluginPath(const std::string& name) {
  return std::string(TALLYBUS_TEST_PLUGINS) + "/" + name + ".so";
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_PLUGINS_LOADER_PLUGINS_H_
