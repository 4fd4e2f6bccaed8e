// Whether files can be made in a folder, tried without leaving any.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_FOLDER_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_FOLDER_H_

#include <absl/status/status.h>

#include <string>
#include <vector>

namespace tallybus::check {

// Removes at its end those folders of a path that were missing at its beginning, if they are empty.
class MissingFolders {
 public:
  explicit MissingFolders(const std::string& path);
  ~MissingFolders();
  MissingFolders(const MissingFolders&) = delete;
  MissingFolders& operator=(const MissingFolders&) = delete;

 private:
  std::vector<std::string> missing_;  // the deepest first
};

// [control] Writes a file without a name; the system's error where that cannot be: no rights, a
// file system for reading alone, a full disk.
absl::Status TryWriting(const std::string& folder);

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_FOLDER_H_
