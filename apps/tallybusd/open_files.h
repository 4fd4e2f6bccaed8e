// How many files and connections the process may have open.
#ifndef TALLYBUS_APPS_TALLYBUSD_OPEN_FILES_H_
#define TALLYBUS_APPS_TALLYBUSD_OPEN_FILES_H_

#include <cstdint>

namespace tallybus {

// [control] As many as the process may allow itself, which is more than it begins with. Returns
// that.
uint64_t AllowMostOpenFiles();
// [any thread] As many as it may open as it is.
uint64_t AllowedOpenFiles();

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_OPEN_FILES_H_
