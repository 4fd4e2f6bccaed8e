// When each live stream is due for its next StreamKeepAliveEvent.
#ifndef TALLYBUS_KEEP_ALIVES_H_
#define TALLYBUS_KEEP_ALIVES_H_

#include <absl/container/flat_hash_map.h>

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
  struct Due {
    MonoTime at;
    LiveTable::StreamName stream;
    bool operator>(const Due& other) const { return at > other.at; }
  };

  void Clear();
  // Where it is followed already, its earlier time stays.
  void Follow(LiveTable::StreamName stream, MonoTime due);
  void Forget(const LiveTable::StreamName& stream);
  // One that is due by now; whoever takes it follows it again while it lives.
  std::optional<Due> TakeDue(MonoTime now);
  std::optional<MonoTime> NextDue();
  size_t size() const { return followed_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;
  static Key KeyOf(const LiveTable::StreamName& stream) { return {stream.source, stream.key}; }
  bool IsGood(const Due& due) const;
  void DropForgotten();

  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;  // and what was forgotten since
  absl::flat_hash_map<Key, MonoTime> followed_;
};

}  // namespace tallybus

#endif  // TALLYBUS_KEEP_ALIVES_H_
