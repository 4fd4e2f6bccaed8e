// What of a peer's answer counts, taken piece by piece, and the result that comes of it.
#ifndef TALLYBUS_REST_ANSWER_H_
#define TALLYBUS_REST_ANSWER_H_

#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "tallybus/metrics.h"
#include "tallybus/transport.h"

namespace tallybus::rest {

inline constexpr size_t kMaxAnswerBytes = size_t{64} << 10;

// What the attempts of one route count.
struct RouteCounters {
  RouteCounters(Metrics& metrics, const std::string& route);
  std::array<Counter*, 5> requests;  // by Verdict
  Counter& connections_opened;
  Counter& resends_refused;
  Counter& addresses_refused;
  Counter& answers_cut;
  Counter& hints_ignored;
};

// [owner] One attempt at a time; keeps its memory for the next.
class Answer {
 public:
  // An attempt begins, whose request has a body of so many bytes. What is kept of the answer is at
  // most kMaxAnswerBytes; what is read may be longer by an echo of the request, as Web Call
  // Server's backends send it.
  void Begin(bool is_wanted, size_t request_bytes);

  // A status line begins an answer: each interim one has its own fields, and those of the last one
  // count.
  void TakePhrase(std::string phrase);
  void TakeField(std::string_view name, std::string_view value);
  // False where the answer is too long: it is cut there.
  bool TakeBody(std::string_view bytes);
  bool is_cut() const { return is_cut_; }

  // Of a final answer with this status; `now` is for a Retry-After date. Moves from the answer.
  DeliveryResult Judge(int code, const std::string& peer, const RouteCounters& counters,
                       absl::Time now);

 private:
  bool is_wanted_ = false;
  bool is_cut_ = false;
  bool disabled_ = false;
  size_t most_bytes_ = 0;
  size_t bytes_ = 0;
  std::string phrase_;
  std::string retry_after_;
  std::string body_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ANSWER_H_
