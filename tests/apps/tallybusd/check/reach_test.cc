// What a connection attempt says; TLS and names are tried in tests/e2e/check_test.py.
#include "apps/tallybusd/check/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/check/loopback.h"

namespace tallybus::check {
namespace {

using ::testing::HasSubstr;

Attempt At(const Loopback& socket, bool tls = false) {
  return {{"127.0.0.1", std::to_string(socket.port()), tls}, {}, std::nullopt};
}

std::string Said(const Attempt& attempt, absl::Duration patience = kPatience) {
  return std::string(Reach({&attempt, 1}, patience)[0].message());
}

TEST(ReachTest, TellsWhoIsThereAndWhoIsNotInTheirOrder) {
  const Loopback there(/*listens=*/true), gone(/*listens=*/false);
  const std::vector<Attempt> attempts = {At(there), At(gone), At(there)};
  const std::vector<absl::Status> statuses = Reach(attempts);
  ASSERT_EQ(statuses.size(), 3);
  EXPECT_TRUE(statuses[0].ok()) << statuses[0];
  EXPECT_THAT(std::string(statuses[1].message()), HasSubstr("connection refused"));
  EXPECT_TRUE(statuses[2].ok()) << statuses[2];
}

TEST(ReachTest, MoreThanFitAtATimeAreAllTried) {
  const Loopback gone(/*listens=*/false);
  for (const absl::Status& status : Reach(std::vector<Attempt>(2 * kAtATime + 1, At(gone)))) {
    EXPECT_THAT(std::string(status.message()), HasSubstr("connection refused"));
  }
}

TEST(ReachTest, APeerThatTakesTheConnectionAndNoTlsIsNotWaitedForLonger) {
  const Loopback silent(/*listens=*/true);
  EXPECT_THAT(Said(At(silent, /*tls=*/true), absl::Seconds(3)),
              HasSubstr("timed out: it took the connection, and no TLS came within 3s"));
}

TEST(ReachTest, APeerThatTakesNoConnectionIsNotWaitedForLonger) {
  const Loopback full(/*listens=*/true, /*backlog=*/0);
  std::vector<std::unique_ptr<Loopback>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<Loopback>(/*listens=*/false));
    waiting.back()->ConnectTo(full);
  }
  EXPECT_THAT(Said(At(full), absl::Milliseconds(200)),
              HasSubstr("timed out: no connection within 200ms"));
}

TEST(ReachTest, AnAddressThatTheRouteMayNotReachIsNotTried) {
  const Loopback there(/*listens=*/true);
  Attempt attempt = At(there);
  attempt.rules = *rest::AddressRules::Parse("public", "");
  EXPECT_THAT(Said(attempt), HasSubstr("network or allow_cidrs refuse"));
}

}  // namespace
}  // namespace tallybus::check
