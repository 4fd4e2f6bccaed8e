// Verdicts as codes.
#include "tallybus/transport.h"

#include <gmock/gmock.h>

namespace tallybus {
namespace {

TEST(VerdictTest, OnlyADeliveredOneIsOk) {
  EXPECT_EQ(StatusCodeOf(Verdict::kDelivered), absl::StatusCode::kOk);
  EXPECT_EQ(StatusCodeOf(Verdict::kRetryLater), absl::StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeOf(Verdict::kHold), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(StatusCodeOf(Verdict::kRejected), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(StatusCodeOf(Verdict::kGone), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tallybus
