// When a client is asked, and when it is given up.
#include "transports/web/connection_life.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace tallybus {
namespace {

using Due = ConnectionLife::Due;

class ConnectionLifeTest : public ::testing::Test {
 protected:
  Due After(absl::Duration time) {
    clock_.Advance(time);
    return life_.Check(clock_.Now());
  }
  void Heard() { life_.Heard(clock_.Now()); }

  testing::ManualClock clock_;
  ConnectionLife::Times times_;
  ConnectionLife life_{times_, clock_.Now()};
};

TEST_F(ConnectionLifeTest, WhoNamesNothingToWatchIsGivenUpAfterTenSeconds) {
  EXPECT_EQ(After(absl::Milliseconds(9'999)), Due::kNothing);
  EXPECT_EQ(After(absl::Milliseconds(1)), Due::kNoWatch);
}

TEST_F(ConnectionLifeTest, APingIsDueEveryThirtySecondsOnce) {
  life_.Watched();
  EXPECT_EQ(After(absl::Seconds(29)), Due::kNothing);
  EXPECT_EQ(After(absl::Seconds(1)), Due::kPing);
  EXPECT_EQ(After(absl::Seconds(1)), Due::kNothing);
  EXPECT_EQ(After(absl::Seconds(29)), Due::kPing);
}

TEST_F(ConnectionLifeTest, WhoIsSilentForSeventyFiveSecondsIsGivenUp) {
  life_.Watched();
  EXPECT_EQ(After(absl::Seconds(40)), Due::kPing);
  Heard();
  EXPECT_EQ(After(absl::Seconds(74)), Due::kPing);
  EXPECT_EQ(After(absl::Seconds(1)), Due::kSilent);
  Heard();
  EXPECT_EQ(After(absl::Seconds(1)), Due::kNothing);
}

TEST_F(ConnectionLifeTest, AWriteThatDoesNotEndForThirtySecondsIsNotRead) {
  life_.Watched();
  life_.WriteBegan(clock_.Now());
  EXPECT_EQ(After(absl::Seconds(29)), Due::kNothing);
  life_.WriteEnded();
  EXPECT_EQ(After(absl::Seconds(29)), Due::kPing);
  Heard();
  life_.WriteBegan(clock_.Now());
  EXPECT_EQ(After(absl::Seconds(29)), Due::kNothing);
  EXPECT_EQ(After(absl::Seconds(1)), Due::kNotReading);
}

TEST_F(ConnectionLifeTest, WhoDoesNotTakeACloseIsCut) {
  life_.Closing(clock_.Now());
  EXPECT_EQ(After(absl::Seconds(1)), Due::kNothing);
  EXPECT_EQ(After(absl::Seconds(1)), Due::kCut);
}

}  // namespace
}  // namespace tallybus
