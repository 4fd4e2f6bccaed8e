// Numbers and fixed words as a person reads them.
#include "trace_words.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>

namespace tallybus {

std::string HowLong(absl::Duration duration) {
  const int64_t ms = std::max<int64_t>(absl::ToInt64Milliseconds(duration), 0);
  const int64_t s = ms / 1000;
  if (ms < 1000) return absl::StrCat(ms, " ms");
  if (s < 60) return absl::StrFormat("%d.%d s", s, ms % 1000 / 100);
  if (s < 3600) return absl::StrFormat("%d min %d s", s / 60, s % 60);
  return absl::StrFormat("%d h %d min", s / 3600, s / 60 % 60);
}

std::string TimeOfDay(absl::Time time, absl::Time now, absl::TimeZone zone) {
  const bool same_day = absl::ToCivilDay(time, zone) == absl::ToCivilDay(now, zone);
  return absl::FormatTime(same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", time, zone);
}

std::string Ordinal(int number) {
  const int tens = number / 10 % 10;
  const int ones = number % 10;
  const char* ending = tens == 1   ? "th"
                       : ones == 1 ? "st"
                       : ones == 2 ? "nd"
                       : ones == 3 ? "rd"
                                   : "th";
  return absl::StrCat(number, ending);
}

std::string NeverSentWords(const TracedEvent& event, const TracedRoute& way) {
  switch (*way.not_sent) {
    case NotSentReason::kNoBackend:
      return absl::StrCat("never sent: no backend for the app ", way.route);
    case NotSentReason::kNoRoute:
      return absl::StrCat("never sent: no route takes ", event.method, " of ", way.route);
    case NotSentReason::kRestPolicyDisable:
      return absl::StrCat("never sent: restPolicy DISABLE for ", event.method);
    case NotSentReason::kMethodNotListed:
      return absl::StrCat("never sent: ", way.route, " does not list the method ", event.method);
    case NotSentReason::kDryRun:
      return absl::StrCat("never sent: ", way.route, " takes it, but for its dry_run");
  }
  return "never sent";
}

std::string FailureWords(const TracedAttempt& attempt) {
  if (attempt.http_status == 0) return attempt.info.empty() ? "no answer" : attempt.info;
  return absl::StrCat(attempt.http_status, attempt.info.empty() ? "" : " ", attempt.info);
}

std::string_view StateWords(EndpointState state) {
  switch (state) {
    case EndpointState::kOpenForBusiness:
      return "open for business";
    case EndpointState::kBreakerOpen:
      return "breaker open";
    case EndpointState::kHeld:
      return "held";
    case EndpointState::kPaused:
      return "paused";
    case EndpointState::kDisabled:
      return "disabled";
  }
  return "unknown";
}

std::string_view FateWord(Fate fate) {
  switch (fate) {
    case Fate::kDelivered:
      return "delivered";
    case Fate::kFailedAnswer:
      return "failed answer";
    case Fate::kGivenUp:
      return "given up";
    case Fate::kRejected:
      return "rejected";
    case Fate::kGone:
      return "gone";
    case Fate::kShed:
      return "shed";
    case Fate::kCoalesced:
      return "coalesced";
    case Fate::kDropped:
      return "dropped";
  }
  return "unknown";
}

}  // namespace tallybus
