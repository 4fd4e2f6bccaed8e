// A directory of a test's own.
#ifndef TALLYBUS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
#define TALLYBUS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace tallybus::testing {

// New and empty, with a short path as sockets need it; removed with everything in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = "/tmp/tallybus-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
