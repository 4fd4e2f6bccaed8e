// Who may use a file that this user may not, in words.
#ifndef TALLYBUS_APPS_TALLYBUS_FILE_ACCESS_H_
#define TALLYBUS_APPS_TALLYBUS_FILE_ACCESS_H_

#include <string>

namespace tallybus::cli {

// For a socket that refused this user: its owner, or the folder on the way to it that lets nobody
// else in. "only tallybus and root may use it; run this as one of them". Does not fail: what cannot
// be found out is left out.
std::string WhoMayUse(const std::string& path);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_FILE_ACCESS_H_
