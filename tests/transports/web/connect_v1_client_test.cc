// A client whose watches wait for the backend's word.
#include "transports/web/connect_v1_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/fake_line.h"
#include "tests/transports/web/fake_router.h"
#include "transports/web/pending_answer.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ConnectV1ClientTest : public ::testing::Test {
 protected:
  ConnectV1ClientTest() { sessions_.SetSink(router_); }
  ~ConnectV1ClientTest() override {
    client_.reset();
    thread_->Close();
  }

  void Start(tallybus_v1::Watch watch = {}) {
    client_ = std::make_unique<ConnectV1Client>(
        line_, ConnectV1Client::Parts{sessions_, thread_, "", "of-the-request"}, std::move(watch));
    EXPECT_THAT(router_.asks, SizeIs(0)) << "before the handshake";
    client_->Opened();
  }
  void Watch(const std::string& item, const std::string& more = "") {
    client_->Hear(R"({"message":"Watch","data":[)" + item + "]" + more + "}");
  }
  void Answer(bool accepted, const std::string& reason = "", bool said_by_backend = true) {
    AskAnswer answer;
    answer.accepted = accepted;
    answer.reason = reason;
    if (!accepted) answer.json = said_by_backend ? "{}" : "";
    router_.asks.back().answer(std::move(answer));
    io_.restart();
    io_.poll();
  }
  const std::string& AskedJson() const { return router_.asks.back().event.json; }

  testing::ManualClock clock_;
  testing::FakeRouter router_;
  boost::asio::io_context io_;
  const std::shared_ptr<ServerThread> thread_ = std::make_shared<ServerThread>(io_);
  GatewaySessions sessions_{"node", clock_};
  testing::FakeLine line_;
  std::unique_ptr<ConnectV1Client> client_;
};

TEST_F(ConnectV1ClientTest, AWatchOfTheAddressIsAskedForBehindTheHandshakeWithTheRequestsToken) {
  Start({{{WatchKey::Kind::kSession, "s1"}}, "", ""});
  ASSERT_THAT(router_.asks, SizeIs(1));
  EXPECT_THAT(AskedJson(), HasSubstr(R"("authToken":"of-the-request")"));
  EXPECT_THAT(line_.orders, SizeIs(0));
  EXPECT_TRUE(line_.introduced) << "the backend may take its time";
  Answer(true);
  EXPECT_THAT(line_.orders, SizeIs(1));
  EXPECT_TRUE(line_.permissions->Allow({WatchKey::Kind::kSession, "s1"}));
}

TEST_F(ConnectV1ClientTest, OneQuestionAtATimeAndAllBehindItWait) {
  Start();
  Watch(R"({"session":"s1"})", R"(,"token":"first")");
  Watch(R"({"session":"s2"})");
  client_->Hear(R"({"message":"Unwatch","data":[{"session":"s1"}]})");
  EXPECT_THAT(router_.asks, SizeIs(1));
  EXPECT_THAT(AskedJson(), HasSubstr(R"("authToken":"first")"));
  Answer(true);
  EXPECT_THAT(line_.orders, SizeIs(1));
  EXPECT_THAT(router_.asks, SizeIs(2));
  Answer(true);
  EXPECT_THAT(line_.orders, SizeIs(3));
  Watch(R"({"session":"s1"},{"session":"s2"})");
  EXPECT_THAT(router_.asks, SizeIs(2)) << "both are granted";
  EXPECT_THAT(line_.orders, SizeIs(4));
}

TEST_F(ConnectV1ClientTest, ANoEndsTheConnectionWithItsReason) {
  Start();
  Watch(R"({"session":"s1"})");
  Watch(R"({"session":"s2"})");
  Answer(false, "go away");
  EXPECT_EQ(line_.closed, "4401 go away");
  EXPECT_THAT(line_.orders, SizeIs(0));
  EXPECT_THAT(router_.asks, SizeIs(1));
}

TEST_F(ConnectV1ClientTest, ABackendThatCouldNotBeAskedIsToBeAskedLater) {
  Start();
  Watch(R"({"session":"s1"})");
  Answer(false, "timed out", false);
  EXPECT_EQ(line_.closed, "1013 timed out");
}

TEST_F(ConnectV1ClientTest, AServerThatStopsSaysSo) {
  Start();
  router_.status = absl::UnavailableError("");
  Watch(R"({"session":"s1"})");
  io_.poll();
  EXPECT_EQ(line_.closed, "1001 the server stops");
}

TEST_F(ConnectV1ClientTest, MoreThanMayBeWatchedIsNotAskedFor) {
  Start();
  std::string items = R"({"session":"0"})";
  for (int i = 1; i < 65; ++i) items += R"(,{"session":")" + std::to_string(i) + R"("})";
  Watch(items);
  EXPECT_EQ(line_.closed, "4429 more than 64 watches");
  EXPECT_THAT(router_.asks, SizeIs(0));
}

TEST_F(ConnectV1ClientTest, WhatIsGrantedIsBoundedAlsoWhereItIsUnwatched) {
  Start();
  for (int i = 0; i < 257; ++i) {
    EXPECT_EQ(line_.closed, "") << i;
    const std::string item = R"({"session":")" + std::to_string(i) + R"("})";
    Watch(item);
    ASSERT_THAT(router_.asks, SizeIs(i < 256 ? 1 : 0));
    if (i < 256) Answer(true);
    router_.asks.clear();  // as the router does
    client_->Hear(R"({"message":"Unwatch","data":[)" + item + "]}");
  }
  EXPECT_EQ(line_.closed, "4429 more than 256 were granted");
}

TEST_F(ConnectV1ClientTest, WhatWaitsIsBoundedByItsBytesToo) {
  Start();
  const std::string token = R"(,"token":")" + std::string(8000, 'x') + "\"";
  Watch(R"({"session":"s1"})", token);  // asked about: its token is not kept twice
  Watch(R"({"session":"s2"})", token);
  EXPECT_EQ(line_.closed, "");
  Watch(R"({"session":"s3"})", token);
  EXPECT_THAT(line_.closed, HasSubstr("4429"));
}

TEST_F(ConnectV1ClientTest, AnotherAppThanTheFirstIsNotAskedFor) {
  Start();
  Watch(R"({"app":"a"})");
  Answer(true);
  Watch(R"({"app":"b"})");
  EXPECT_THAT(line_.closed, HasSubstr("4403"));
  EXPECT_THAT(router_.asks, SizeIs(1));
}

TEST_F(ConnectV1ClientTest, MoreThanSixteenThatWaitAreTooMany) {
  Start();
  for (int i = 0; i < 17; ++i) Watch(R"({"session":"s1"})");
  EXPECT_THAT(line_.closed, HasSubstr("4429"));
}

}  // namespace
}  // namespace tallybus
