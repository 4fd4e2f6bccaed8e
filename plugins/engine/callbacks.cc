// No callback may cost more than it says: what is slow is counted, what throws is swallowed.
#include "callbacks.h"

#include <cstdarg>
#include <cstdio>

#include "clock.h"

namespace tallybus::engine {
namespace {

constexpr int64_t kSlowUs = 10 * kMillisecondUs;

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

template <typename Call>
void Callbacks::Timed(Call&& call) {
  if (mute_) return;
  const int64_t start = MonotonicUs();
  try {
    call();
  } catch (...) {
    Count(counters_->slow_callbacks);  // the nearest that there is to "misbehaved"
    return;
  }
  if (MonotonicUs() - start > kSlowUs) Count(counters_->slow_callbacks);
}

void Callbacks::Log(tallybus_log_level level, const char* format, ...) {
  if (hooks_.log == nullptr) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  const int wanted = std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (wanted < 0) return;
  const auto length = static_cast<size_t>(wanted);
  const tallybus_bytes text{line, length < sizeof(line) ? length : sizeof(line) - 1};
  Timed([&] { hooks_.log(hooks_.user, level, text); });
}

void Callbacks::Log(const std::vector<LogLine>& lines) {
  for (const LogLine& line : lines) {
    if (hooks_.log != nullptr) {
      Timed([&] { hooks_.log(hooks_.user, line.level, Bytes(line.text)); });
    }
  }
}

void Callbacks::State(tallybus_state state, std::string_view detail) {
  if (hooks_.on_state == nullptr) return;
  Timed([&] { hooks_.on_state(hooks_.user, state, Bytes(detail)); });
}

void Callbacks::Client(const ClientMessage& message) {
  if (hooks_.on_client_message == nullptr) return;
  Timed([&] {
    hooks_.on_client_message(hooks_.user, Bytes(message.session_id), Bytes(message.message),
                             Bytes(message.json), Bytes(message.meta));
  });
}

void Callbacks::Command(const Terminate& message) {
  if (hooks_.on_command == nullptr) return;
  Timed([&] {
    hooks_.on_command(hooks_.user, Bytes(message.session_id), Bytes(message.media_session_id),
                      Bytes(message.reason));
  });
}

void Callbacks::Answer(const Asked& asked, tallybus_status status, std::string_view reason,
                       std::string_view json) {
  const tallybus_answer answer{sizeof(tallybus_answer), status, Bytes(reason), Bytes(json)};
  Timed([&] { asked.answer(asked.user, &answer); });
}

void Callbacks::AnswerDue(Asks* asks, int64_t now_us, tallybus_status status,
                          std::string_view reason) {
  while (const std::optional<Asked> asked = asks->TakeDue(now_us)) {
    Answer(*asked, status, reason, {});
  }
}

void Callbacks::ThreadStart() {
  if (hooks_.on_thread_start == nullptr) return;
  Timed([&] { hooks_.on_thread_start(hooks_.user); });
}

}  // namespace tallybus::engine
