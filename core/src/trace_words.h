// The words that a time line and its closing sentence have in common.
#ifndef TALLYBUS_TRACE_WORDS_H_
#define TALLYBUS_TRACE_WORDS_H_

#include <absl/time/time.h>

#include <string>
#include <string_view>

#include "tallybus/trace.h"

namespace tallybus {

// All functions: [any thread], without side effects.

// "12 ms", "4.2 s", "38 min 52 s", "3 h 5 min". A clock that was set back makes no negative time.
std::string HowLong(absl::Duration duration);

// "03:02:09", with the date before it where that is not the day of `now`.
std::string TimeOfDay(absl::Time time, absl::Time now, absl::TimeZone zone);

// "1st", "22nd", "113th".
std::string Ordinal(int number);

// "never sent: restPolicy DISABLE for StreamStatusEvent". `way.not_sent` holds a value.
std::string NeverSentWords(const TracedEvent& event, const TracedRoute& way);

// "503 Service Unavailable" or, where no answer came, "connection refused"; never empty.
std::string FailureWords(const TracedAttempt& attempt);

// "breaker open", "held" and so on.
std::string_view StateWords(EndpointState state);

// "delivered", "rejected", and so on: what --json calls it.
std::string_view FateWord(Fate fate);

}  // namespace tallybus

#endif  // TALLYBUS_TRACE_WORDS_H_
