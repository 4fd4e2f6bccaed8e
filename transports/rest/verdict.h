// What the outcome of one HTTP request means: verdict, reason and hint. Pure.
#ifndef TALLYBUS_REST_VERDICT_H_
#define TALLYBUS_REST_VERDICT_H_

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>

#include "tallybus/transport.h"

namespace tallybus::rest {

// The reasons of an attempt that got no answer; a client may read them.
inline constexpr std::string_view kConnectionRefused = "connection refused";
inline constexpr std::string_view kConnectionReset = "connection reset";
inline constexpr std::string_view kTimedOut = "timed out";
inline constexpr std::string_view kTlsFailure = "TLS failure";
inline constexpr std::string_view kHostNotFound = "host not found";

// What a final answer means. `disabled` says that it carried `webhook-delivery: disable`.
// 2xx delivered; 408, 425, 429 and 5xx but 501 and 505 retry later; 401, 403, 404, 405 and 407
// hold; 410 or disabled gone; all others rejected. `code` is 200 or more.
Verdict VerdictOf(int code, bool disabled);

// The word for an attempt that libcurl ended with this CURLcode and no answer.
std::string_view ReasonOf(int curl_code);

// Whether a CURLcode's own error text is worth a line in the log: it names an address or a
// certificate, and nothing that the peer wrote.
bool HasUsefulErrorText(int curl_code);

// What an attempt's error text tells where the peer ended it by an alert about our client
// certificate; empty where it did not. TLS 1.3 sends that one behind the handshake, so that libcurl
// calls it a lost connection. Of a libcurl that is built with OpenSSL.
std::string_view CertificateAlert(std::string_view error_text, bool has_certificate);

// A reason phrase as it may be passed on: printable ASCII, at most 256 bytes.
std::string CleanPhrase(std::string_view phrase);
// That of a status line, "HTTP/1.1 404 Not Found\r\n".
std::string PhraseOf(std::string_view status_line);

// The phrase that the HTTP registry gives to a code; "Unknown Status" where there is none.
std::string_view StandardPhrase(int code);

// The value of Retry-After, whole seconds or an HTTP date: how long from `now`, never negative, at
// most a year. None where it is neither.
std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now);

// The status for the log: OK where delivered, else a code that fits and "<peer> <what>".
absl::Status StatusOf(Verdict verdict, std::string_view peer, int code, std::string_view reason);
absl::Status StatusOfNoAnswer(std::string_view peer, std::string_view reason,
                              std::string_view detail);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_VERDICT_H_
