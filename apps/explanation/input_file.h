// What a command is told by a file or by standard input.
#ifndef TALLYBUS_APPS_EXPLANATION_INPUT_FILE_H_
#define TALLYBUS_APPS_EXPLANATION_INPUT_FILE_H_

#include <absl/status/statusor.h>

#include <string>

namespace tallybus {

// A file's bytes, or standard input's for -. INVALID_ARGUMENT where it cannot be read, or holds
// more than 64 MiB.
absl::StatusOr<std::string> ReadInput(const std::string& path);

// The text itself, or of `file:PATH` what the file holds, without its last line feed: other users
// of a machine see arguments.
absl::StatusOr<std::string> ReadSecret(const std::string& text);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_EXPLANATION_INPUT_FILE_H_
