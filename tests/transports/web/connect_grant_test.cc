// What the backend is asked, and what its answer grants.
#include "transports/web/connect_grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/fake_router.h"
#include "transports/web/pending_answer.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const WatchKey kSession{WatchKey::Kind::kSession, "s\"1"};
const WatchKey kStream{WatchKey::Kind::kStream, "cam"};
const WatchKey kApp{WatchKey::Kind::kApp, "live"};

class ConnectGrantTest : public ::testing::Test {
 protected:
  ConnectGrantTest() { sessions_.SetSink(router_); }
  ~ConnectGrantTest() override { thread_->Close(); }

  void Ask(std::vector<WatchKey> keys, const std::string& origin = "") {
    question_ = AskConnect(sessions_, thread_, {AppOf(keys), "token", origin, keys, granted_},
                           [this](absl::StatusOr<WatchPermissionsPtr> answer) {
                             status_ = answer.status();
                             if (answer.ok()) granted_ = *std::move(answer);
                           });
  }
  void Answer(bool accepted, const std::string& reason = "") {
    AskAnswer answer;
    answer.accepted = accepted;
    answer.reason = reason;
    if (!accepted) answer.json = "{}";  // the backend said so
    router_.asks.back().answer(std::move(answer));
    io_.restart();
    io_.poll();
  }

  testing::ManualClock clock_;
  testing::FakeRouter router_;
  boost::asio::io_context io_;
  const std::shared_ptr<ServerThread> thread_ = std::make_shared<ServerThread>(io_);
  GatewaySessions sessions_{"node", clock_};
  absl::Status status_ = absl::UnknownError("no answer");
  WatchPermissionsPtr granted_;
  std::shared_ptr<void> question_;
};

TEST_F(ConnectGrantTest, ItIsAskedWithAllThatIsToBeWatched) {
  Ask({kSession, kStream, kApp}, "https://a.example");
  ASSERT_THAT(router_.asks, SizeIs(1));
  EXPECT_EQ(router_.asks[0].event.app_key, "live");
  EXPECT_THAT(router_.asks[0].event.json,
              HasSubstr(R"("authToken":"token","origin":"https://a.example",)"
                        R"("watch":[{"session":"s\"1"},{"stream":"cam"},{"app":"live"}]})"));
  Ask({kStream});
  EXPECT_EQ(router_.asks[1].event.app_key, "defaultApp");
  EXPECT_THAT(router_.asks[1].event.json, HasSubstr(R"("token","watch":[{"stream":"cam"}]})"));
}

TEST_F(ConnectGrantTest, AYesGrantsWhatWasAskedForWithinTheAppAndAddsToWhatWasGranted) {
  Ask({kSession});
  Answer(true);
  ASSERT_TRUE(status_.ok()) << status_;
  EXPECT_THAT(*granted_->only, ElementsAre(kSession));
  EXPECT_EQ(granted_->app, "defaultApp");
  Ask({kSession, kStream});
  Answer(true);
  EXPECT_THAT(*granted_->only, ElementsAre(kSession, kStream));
}

TEST_F(ConnectGrantTest, ANoAndAYesThatNobodySaidGrantNothing) {
  Ask({kSession});
  Answer(false, "go away");
  EXPECT_EQ(status_, absl::UnauthenticatedError("go away"));
  Ask({kSession});
  Answer(true, "the app's backend is not asked");
  EXPECT_EQ(status_, absl::UnauthenticatedError("the app's backend is not asked"));
  EXPECT_EQ(granted_, nullptr);
}

TEST_F(ConnectGrantTest, ABackendThatCouldNotBeAskedIsUnavailable) {
  Ask({kSession});
  router_.asks.back().answer({false, "timed out", "", {}});
  io_.poll();
  EXPECT_EQ(status_, absl::UnavailableError("timed out"));
}

TEST_F(ConnectGrantTest, TheSessionIsOpenAsLongAsTheGrantIsUsed) {
  Ask({kSession});
  Answer(true);
  question_.reset();
  EXPECT_THAT(router_.closed, SizeIs(0));
  granted_.reset();
  EXPECT_THAT(router_.closed, ElementsAre(router_.asks[0].event.session_id));
}

TEST_F(ConnectGrantTest, WhoGoesBeforeTheAnswerHearsNone) {
  Ask({kSession});
  question_.reset();
  Answer(true);
  EXPECT_EQ(status_, absl::UnknownError("no answer"));
  EXPECT_THAT(router_.closed, SizeIs(1));
}

}  // namespace
}  // namespace tallybus
