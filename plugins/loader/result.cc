// From a plugin's result to the router's.
#include "plugins/loader/result.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "plugins/engine/versioned.h"
#include "plugins/loader/printable.h"

namespace tallybus::loader {
namespace {

constexpr size_t kLongestReason = 256;
constexpr size_t kLongestDetail = 512;
constexpr size_t kMostAnswerBytes = size_t{64} << 10;

bool IsWhole(const tallybus_bytes& bytes) { return bytes.data != nullptr || bytes.size == 0; }

std::string_view View(const tallybus_bytes& bytes) { return {bytes.data, bytes.size}; }

// A word for each verdict, where the plugin has none.
std::string ReasonOr(std::string reason, Verdict verdict) {
  if (!reason.empty() || verdict == Verdict::kDelivered) return reason;
  if (verdict == Verdict::kRejected) return "rejected";
  if (verdict == Verdict::kGone) return "gone";
  return verdict == Verdict::kHold ? "held" : "connection reset";
}

}  // namespace

absl::StatusOr<DeliveryResult> ReadResult(const tallybus_result* written,
                                          const ResultSetting& setting) {
  tallybus_result storage;
  const tallybus_result* result = engine::ReadVersioned(written, &storage);
  if (result == nullptr) {
    return absl::InvalidArgumentError("no result, or a struct_size of no version");
  }
  int verdict = 0;  // read as a number: it may be none of the enum
  static_assert(sizeof verdict == sizeof result->verdict);
  std::memcpy(&verdict, &result->verdict, sizeof verdict);
  if (verdict < TALLYBUS_DELIVERED || verdict > TALLYBUS_GONE) {
    return absl::InvalidArgumentError("a verdict that is none");
  }
  if (!IsWhole(result->reason) || !IsWhole(result->detail) || !IsWhole(result->answer)) {
    return absl::InvalidArgumentError("bytes without an address");
  }
  DeliveryResult out;
  out.verdict = static_cast<Verdict>(verdict);
  out.reason = ReasonOr(Printable(View(result->reason), kLongestReason), out.verdict);
  const bool retry = out.verdict == Verdict::kRetryLater;
  const bool stopped = retry && setting.stopping && (result->flags & TALLYBUS_RESULT_STOPPED) != 0;
  const std::string detail = Printable(View(result->detail), kLongestDetail);
  out.status = absl::Status(stopped ? absl::StatusCode::kCancelled : StatusCodeOf(out.verdict),
                            detail.empty() ? out.reason : detail);
  out.retry_after = absl::Milliseconds(result->retry_after_ms);
  out.remote_code = std::max(result->remote_code, 0);
  out.never_sent = retry && (result->flags & TALLYBUS_RESULT_NEVER_SENT) != 0;
  out.hold_method =
      out.verdict == Verdict::kHold && (result->flags & TALLYBUS_RESULT_HOLD_METHOD) != 0;
  out.connection_reused = (result->flags & TALLYBUS_RESULT_CONNECTION_REUSED) != 0;
  if (setting.want_answer) {
    out.answer = View(result->answer).substr(0, kMostAnswerBytes);
    out.answer_cut =
        result->answer.size > kMostAnswerBytes || (result->flags & TALLYBUS_RESULT_ANSWER_CUT) != 0;
  }
  return out;
}

DeliveryResult NotCompleted(absl::StatusCode code, const char* reason, const char* text) {
  DeliveryResult result;
  result.verdict = Verdict::kRetryLater;
  result.status = absl::Status(code, text);
  result.reason = reason;
  return result;
}

}  // namespace tallybus::loader
