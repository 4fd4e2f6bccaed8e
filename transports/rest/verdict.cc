// The table of verdicts, and the words for what went wrong.
#include "transports/rest/verdict.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>

#include <algorithm>

namespace tallybus::rest {
namespace {

constexpr size_t kMaxPhraseBytes = 256;
constexpr absl::Duration kLongestHint = absl::Hours(24 * 365);

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool IsPrintable(char c) { return c >= 0x20 && c < 0x7f; }

std::string_view ClientErrorPhrase(int code) {
  switch (code) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    default:
      return "Unknown Status";
  }
}

std::string_view ServerErrorPhrase(int code) {
  switch (code) {
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 510:
      return "Not Extended";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown Status";
  }
}

std::optional<absl::Time> ParseHttpDate(absl::string_view value) {
  // The three forms of RFC 9110, the newest first.
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    absl::Time time;
    std::string error;
    if (absl::ParseTime(format, value, &time, &error)) return time;
  }
  return std::nullopt;
}

}  // namespace

Verdict VerdictOf(int code, bool disabled) {
  if (disabled || code == 410) return Verdict::kGone;
  if (code >= 200 && code < 300) return Verdict::kDelivered;
  switch (code) {
    case 401:
    case 403:
    case 404:
    case 405:
    case 407:
      return Verdict::kHold;
    case 408:
    case 425:
    case 429:
      return Verdict::kRetryLater;
    case 501:
    case 505:
      return Verdict::kRejected;
    default:
      break;
  }
  return code >= 500 && code < 600 ? Verdict::kRetryLater : Verdict::kRejected;
}

std::string_view ReasonOf(int curl_code) {
  switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return kHostNotFound;
    case CURLE_COULDNT_CONNECT:
      return kConnectionRefused;
    case CURLE_OPERATION_TIMEDOUT:
      return kTimedOut;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
      return kTlsFailure;
    default:
      return kConnectionReset;
  }
}

bool HasUsefulErrorText(int curl_code) {
  const std::string_view reason = ReasonOf(curl_code);
  return reason == kTlsFailure || reason == kConnectionRefused || reason == kHostNotFound;
}

std::string_view CertificateAlert(std::string_view error_text, bool has_certificate) {
  for (const char* alert :
       {"certificate required", "bad certificate", "unsupported certificate", "certificate revoked",
        "certificate expired", "certificate unknown", "unknown ca", "access denied"}) {
    if (!absl::StrContains(View(error_text), absl::StrCat(" alert ", alert))) continue;
    return has_certificate ? "the peer does not take the client certificate"
                           : "the peer wants a client certificate";
  }
  return "";
}

std::string PhraseOf(std::string_view status_line) {
  const size_t code = status_line.find(' ');
  if (code == status_line.npos) return "";
  const size_t phrase = status_line.find(' ', code + 1);
  if (phrase == status_line.npos) return "";
  return CleanPhrase(status_line.substr(phrase + 1));
}

std::string CleanPhrase(std::string_view phrase) {
  // HTTP gives no encoding to bytes beyond ASCII, so they cannot be passed on as text.
  std::string out;
  for (char c : phrase) {
    if (IsPrintable(c) && out.size() < kMaxPhraseBytes) out.push_back(c);
  }
  absl::StripAsciiWhitespace(&out);
  return out;
}

std::string_view StandardPhrase(int code) {
  if (code >= 400 && code < 500) return ClientErrorPhrase(code);
  if (code >= 500) return ServerErrorPhrase(code);
  switch (code) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    default:
      return "Unknown Status";
  }
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now) {
  const absl::string_view text = absl::StripAsciiWhitespace(View(value));
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    int64_t seconds;
    if (!absl::SimpleAtoi(text, &seconds)) return kLongestHint;
    return std::min(absl::Seconds(seconds), kLongestHint);
  }
  const auto date = ParseHttpDate(text);
  if (!date) return std::nullopt;
  return std::clamp(*date - now, absl::ZeroDuration(), kLongestHint);
}

absl::Status StatusOf(Verdict verdict, std::string_view peer, int code, std::string_view reason) {
  if (verdict == Verdict::kDelivered) return absl::OkStatus();
  return absl::Status(StatusCodeOf(verdict),
                      absl::StrCat(View(peer), " answered ", code, " ", View(reason)));
}

absl::Status StatusOfNoAnswer(std::string_view peer, std::string_view reason,
                              std::string_view detail) {
  std::string text = absl::StrCat(View(peer), ": ", View(reason));
  if (!detail.empty()) absl::StrAppend(&text, " (", View(detail), ")");
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return !IsPrintable(c); }),
             text.end());
  return reason == kTimedOut ? absl::DeadlineExceededError(text) : absl::UnavailableError(text);
}

}  // namespace tallybus::rest
