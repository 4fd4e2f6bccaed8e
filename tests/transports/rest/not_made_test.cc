// The results of attempts that were never made.
#include "transports/rest/not_made.h"

#include <gtest/gtest.h>

namespace tallybus::rest {
namespace {

TEST(NotMadeTest, MayBeTriedAgainAndWasNeverSent) {
  for (const DeliveryResult& result :
       {NotMade(absl::InternalError("no memory")), Late("127.0.0.1:80"), Unsent(), Aborted(true)}) {
    EXPECT_EQ(result.verdict, Verdict::kRetryLater);
    EXPECT_TRUE(result.never_sent);
    EXPECT_FALSE(result.status.ok());
    EXPECT_EQ(result.remote_code, 0);
  }
}

TEST(NotMadeTest, WhatIsPutBackOrAbortedIsCancelled) {
  EXPECT_TRUE(absl::IsCancelled(Unsent().status));
  EXPECT_TRUE(absl::IsCancelled(Aborted(false).status));
  EXPECT_FALSE(Aborted(false).never_sent);
  EXPECT_FALSE(absl::IsCancelled(NotMade(absl::InternalError("no memory")).status));
}

TEST(NotMadeTest, TellsAPeerThatIsLate) {
  const DeliveryResult late = Late("127.0.0.1:80");
  EXPECT_EQ(late.reason, "timed out");
  EXPECT_NE(late.status.message().find("127.0.0.1:80"), absl::string_view::npos);
}

TEST(NotMadeTest, AnUnusableEndpointIsHeld) {
  const DeliveryResult result = Unusable(absl::InvalidArgumentError("no such scheme"));
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_TRUE(result.never_sent);
  EXPECT_EQ(result.status.message(), "no such scheme");
}

}  // namespace
}  // namespace tallybus::rest
