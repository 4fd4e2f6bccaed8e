// The few header fields that mean something to us, the body's bounds, and the verdict.
#include "transports/rest/answer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <utility>

#include "transports/rest/verdict.h"

namespace tallybus::rest {
namespace {

constexpr size_t kMaxHintBytes = 64;
constexpr const char* kVerdictWords[] = {"delivered", "retry_later", "hold", "rejected", "gone"};

bool Is(std::string_view text, absl::string_view word) {
  return absl::EqualsIgnoreCase(absl::string_view(text.data(), text.size()), word);
}

}  // namespace

RouteCounters::RouteCounters(Metrics& metrics, const std::string& route)
    : connections_opened(metrics.GetCounter("tallybus_http_connections_opened_total",
                                            "Sockets opened to endpoints.", {{"route", route}})),
      resends_refused(metrics.GetCounter(
          "tallybus_http_resends_refused_total",
          "Times that a reused connection ended before its answer; the request was not sent again.",
          {{"route", route}})),
      addresses_refused(metrics.GetCounter("tallybus_http_addresses_refused_total",
                                           "Connections to addresses that the network option "
                                           "forbids.",
                                           {{"route", route}})),
      answers_cut(metrics.GetCounter("tallybus_http_answers_cut_total",
                                     "Answers of more than 64 KiB.", {{"route", route}})),
      hints_ignored(metrics.GetCounter("tallybus_http_retry_after_ignored_total",
                                       "Retry-After headers that are no time.",
                                       {{"route", route}})) {
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i] =
        &metrics.GetCounter("tallybus_http_requests_total", "Attempts made, by what came of them.",
                            {{"route", route}, {"outcome", kVerdictWords[i]}});
  }
}

void Answer::Begin(bool is_wanted, size_t request_bytes) {
  is_wanted_ = is_wanted;
  is_cut_ = disabled_ = false;
  most_bytes_ = kMaxAnswerBytes + request_bytes;
  bytes_ = 0;
  phrase_.clear();
  retry_after_.clear();
  body_.clear();
}

void Answer::TakePhrase(std::string phrase) {
  phrase_ = std::move(phrase);
  retry_after_.clear();
  disabled_ = false;
}

void Answer::TakeField(std::string_view name, std::string_view value) {
  if (Is(name, "retry-after")) {
    const auto trimmed = absl::StripAsciiWhitespace(absl::string_view(value.data(), value.size()));
    retry_after_ = std::string_view(trimmed.data(), std::min(trimmed.size(), kMaxHintBytes));
  } else if (Is(name, "webhook-delivery")) {
    const auto trimmed = absl::StripAsciiWhitespace(absl::string_view(value.data(), value.size()));
    disabled_ = absl::EqualsIgnoreCase(trimmed, "disable");
  }
}

bool Answer::TakeBody(std::string_view bytes) {
  if (is_wanted_) {
    const size_t kept = std::min(bytes_, kMaxAnswerBytes);
    body_.append(bytes.substr(0, kMaxAnswerBytes - kept));
  }
  bytes_ += bytes.size();
  is_cut_ = bytes_ > most_bytes_;
  return !is_cut_;
}

DeliveryResult Answer::Judge(int code, const std::string& peer, const RouteCounters& counters,
                             absl::Time now) {
  DeliveryResult result;
  result.verdict = VerdictOf(code, disabled_);
  result.remote_code = code;
  result.reason = phrase_.empty() ? std::string(StandardPhrase(code)) : std::move(phrase_);
  result.status = StatusOf(result.verdict, peer, code, result.reason);
  result.answer_cut = is_cut_;
  result.answer = std::move(body_);
  if (is_cut_) counters.answers_cut.Add();
  if (!retry_after_.empty()) {
    const auto hint = ParseRetryAfter(retry_after_, now);
    if (hint) result.retry_after = *hint;
    if (!hint) counters.hints_ignored.Add();
  }
  return result;
}

}  // namespace tallybus::rest
