// The command line's way to an operator's desk: a running daemon's, or one of its own over a spool
// that no daemon has open.
#ifndef TALLYBUS_APPS_TALLYBUS_DESK_DOOR_H_
#define TALLYBUS_APPS_TALLYBUS_DESK_DOOR_H_

#include <absl/status/statusor.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallybus::cli {

// One thread. Calls block until the answer is there.
class DeskDoor {
 public:
  virtual ~DeskDoor() = default;
  // By the flags --spool, --admin and --timeout. Every error is one sentence. `admin` is the
  // daemon's door where no flag names one, and empty is the runtime directory's.
  static absl::StatusOr<std::unique_ptr<DeskDoor>> Open(const std::string& admin = "");

  // The JSON of a good answer; else what the desk said. `target` is path and query, encoded.
  virtual absl::StatusOr<std::string> Ask(const std::string& method, const std::string& target) = 0;
};

// Grows "/path?a=1&b=2".
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}
  // Nothing where the value is empty.
  Target& Add(std::string_view name, std::string_view value);
  // The filter of the flags: --since --until --app --stream --session --route --id.
  Target& AddFilter();
  const std::string& text() const { return text_; }
  // Whether a filter narrows it.
  bool narrowed() const { return narrowed_; }

 private:
  std::string text_;
  bool narrowed_ = false;
};

// The flags that every command of the desk takes, and those of the filter.
std::vector<std::string> WithDeskFlags(std::initializer_list<const char*> flags);
std::vector<std::string> WithFilterFlags(std::initializer_list<const char*> flags);

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_DESK_DOOR_H_
