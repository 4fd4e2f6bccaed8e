// When each live stream is due for its next StreamKeepAliveEvent.
#ifndef TALLYBUS_KEEP_ALIVES_H_
#define TALLYBUS_KEEP_ALIVES_H_

#include <absl/container/flat_hash_set.h>

#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "live_table.h"
#include "tallybus/clock.h"

namespace tallybus {

// [router]
class KeepAlives {
 public:
  void Clear();
  // Where it is followed already, its earlier time stays.
  void Follow(LiveTable::StreamName stream, MonoTime due);
  // One that is due by now; whoever takes it follows it again while it lives.
  std::optional<LiveTable::StreamName> TakeDue(MonoTime now);
  std::optional<MonoTime> NextDue() const;
  size_t size() const { return due_.size(); }

 private:
  struct Due {
    MonoTime at;
    LiveTable::StreamName stream;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  absl::flat_hash_set<std::pair<std::string, std::string>> followed_;
};

}  // namespace tallybus

#endif  // TALLYBUS_KEEP_ALIVES_H_
