// The way out to the engine's callbacks. All run on the sender's thread; each is timed, and one
// that throws, against the rules of C, ends here.
#ifndef TALLYBUS_PLUGINS_ENGINE_CALLBACKS_H_
#define TALLYBUS_PLUGINS_ENGINE_CALLBACKS_H_

#include <tallybus/c/engine.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "asks.h"
#include "counters.h"
#include "log_lines.h"
#include "message.h"

namespace tallybus::engine {

// The engine's functions; each may be null.
struct Hooks {
  void* user = nullptr;
  tallybus_log_fn log = nullptr;
  tallybus_state_fn on_state = nullptr;
  tallybus_client_message_fn on_client_message = nullptr;
  tallybus_command_fn on_command = nullptr;
  tallybus_thread_start_fn on_thread_start = nullptr;
};

class Callbacks {
 public:
  Callbacks(const Hooks& hooks, Counters* counters) : hooks_(hooks), counters_(counters) {}

  // [any thread] None is made from here on.
  void Mute() { mute_ = true; }

  bool wants_client_messages() const { return hooks_.on_client_message != nullptr; }

  // Cut to 512 bytes.
  void Log(tallybus_log_level level, const char* format, ...) __attribute__((format(printf, 3, 4)));
  // As they are, of a router in this process.
  void Log(const std::vector<LogLine>& lines);
  void State(tallybus_state state, std::string_view detail);
  void Client(const ClientMessage& message);
  void Command(const Terminate& message);
  void Answer(const Asked& asked, tallybus_status status, std::string_view reason,
              std::string_view json);
  // Answers all that are due so, each once.
  void AnswerDue(Asks* asks, int64_t now_us, tallybus_status status, std::string_view reason);
  void ThreadStart();

 private:
  template <typename Call>
  void Timed(Call&& call);

  const Hooks hooks_;
  Counters* const counters_;
  std::atomic<bool> mute_{false};
};

// Lets a line through once an interval.
class RateLimit {
 public:
  explicit RateLimit(int64_t interval_us) : interval_us_(interval_us) {}

  bool Allows(int64_t now_us) {
    if (now_us < next_us_) return false;
    next_us_ = now_us + interval_us_;
    return true;
  }

 private:
  const int64_t interval_us_;
  int64_t next_us_ = 0;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_CALLBACKS_H_
