// What a verdict means for a log.
#include "tallybus/transport.h"

namespace tallybus {

absl::StatusCode StatusCodeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDelivered:
      return absl::StatusCode::kOk;
    case Verdict::kRetryLater:
      return absl::StatusCode::kUnavailable;
    case Verdict::kHold:
      return absl::StatusCode::kFailedPrecondition;
    case Verdict::kRejected:
      return absl::StatusCode::kInvalidArgument;
    case Verdict::kGone:
      return absl::StatusCode::kNotFound;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace tallybus
