// A file of lines that is put aside when it is full.
#ifndef TALLYBUS_FILE_ROTATING_FILE_H_
#define TALLYBUS_FILE_ROTATING_FILE_H_

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tallybus::file {

struct FileSettings {
  std::string path;
  int64_t rotate_size = 0;  // bytes; 0: never put aside
  int keep = 1;             // files that were put aside: <path>.1 is the newest
  bool sync = false;        // what was written is on the disk, not only with the system
};

// One thread. Several of these, in several processes, may write one path: each call locks the file.
class RotatingFile {
 public:
  explicit RotatingFile(FileSettings settings) : settings_(std::move(settings)) {}
  ~RotatingFile();
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  // Appends whole lines, and puts the file aside between two of them where the next one would make
  // it too large. May block. UNAVAILABLE: it could not be opened, nothing was written. DATA_LOSS:
  // not all was written, or not synced; lines of it may be there all the same.
  absl::Status Append(std::string_view lines);

 private:
  absl::Status OpenLocked();
  absl::Status Open();
  bool IsStillThere() const;
  absl::Status EndTornLine();
  absl::Status WriteLines(std::string_view lines);
  std::string_view Fitting(std::string_view lines) const;
  absl::Status Write(std::string_view bytes);
  absl::Status Rotate();
  absl::Status Sync();
  void Close();
  absl::Status Failed(absl::StatusCode code, std::string_view what) const;

  const FileSettings settings_;
  int file_ = -1;
  int64_t size_ = 0;
  bool new_name_ = false;  // the folder was not synced since the file got its name
};

}  // namespace tallybus::file

#endif  // TALLYBUS_FILE_ROTATING_FILE_H_
