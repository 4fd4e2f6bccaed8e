// A wcs client from its first frame on; the router's word is the test's.
#include "transports/web/wcs_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <variant>

#include "tests/support/manual_clock.h"
#include "tests/transports/web/fake_line.h"
#include "tests/transports/web/fake_router.h"
#include "transports/web/pending_answer.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kConnection[] =
    R"({"message":"connection","data":[{"appKey":"live","authToken":"secret","custom":{"a":1}}]})";

class WcsClientTest : public ::testing::Test {
 protected:
  WcsClientTest() {
    sessions_.SetSink(router_);
    Connect({});
  }
  ~WcsClientTest() override { thread_->Close(); }

  void Connect(tallybus_v1::Watch watch, bool backend_must_answer = false) {
    client_ =
        std::make_unique<WcsClient>(line_, WcsClient::Parts{sessions_, thread_,
                                                            [this](std::string_view token) {
                                                              token_ = token;
                                                              return permissions_;
                                                            },
                                                            std::move(watch), backend_must_answer});
  }
  void Answer(AskAnswer answer) {
    router_.asks.back().answer(std::move(answer));
    io_.restart();
    io_.poll();
    if (std::exchange(orders_, line_.orders.size()) < line_.orders.size()) client_->Begun();
  }
  const std::string& session() const { return router_.asks.back().event.session_id; }

  testing::ManualClock clock_;
  testing::FakeRouter router_;
  GatewaySessions sessions_{"router-1", clock_};
  boost::asio::io_context io_;
  std::shared_ptr<ServerThread> thread_ = std::make_shared<ServerThread>(io_);
  testing::FakeLine line_;
  absl::StatusOr<WatchPermissionsPtr> permissions_ = std::make_shared<const WatchPermissions>();
  std::string token_;
  size_t orders_ = 0;  // that have begun
  std::unique_ptr<WcsClient> client_;
};

TEST_F(WcsClientTest, ItsSessionIsEstablishedWhenTheBackendAgreesAndThenWatched) {
  client_->Hear(kConnection);
  EXPECT_EQ(token_, "secret");
  EXPECT_TRUE(line_.introduced) << "the backend may take longer than a first watch";
  ASSERT_THAT(router_.asks, SizeIs(1));
  EXPECT_EQ(router_.asks[0].event.app_key, "live");
  EXPECT_THAT(router_.asks[0].event.json, HasSubstr(R"("authToken":"secret","custom":{"a":1}})"));
  EXPECT_THAT(line_.said, IsEmpty());
  Answer({true, "", "{}", {}});
  EXPECT_THAT(line_.said,
              ElementsAre(R"({"message":"getUserData","data":[{"appKey":"live","custom":{"a":1},)"
                          R"("authToken":"secret","sessionId":")" +
                          session() + R"("}]})"));
  ASSERT_THAT(line_.orders, SizeIs(1));
  EXPECT_THAT(std::get<tallybus_v1::Watch>(line_.orders[0]).keys,
              ElementsAre(WatchKey{WatchKey::Kind::kSession, session()}));
  EXPECT_TRUE(line_.permissions->Allow({WatchKey::Kind::kApp, "any"}));
}

TEST_F(WcsClientTest, ItIsToldOfItsSessionOnceNoEventOfItIsMissed) {
  client_->Hear(kConnection);
  router_.asks[0].answer({true, "", "", {}});
  io_.poll();
  EXPECT_THAT(line_.orders, SizeIs(1));
  EXPECT_THAT(line_.said, IsEmpty());
  client_->Begun();
  EXPECT_THAT(line_.said, ElementsAre(HasSubstr("getUserData")));
}

TEST_F(WcsClientTest, WhoBringsNoTokenGetsOneThatIsHisAlone) {
  client_->Hear(R"({"message":"connection","data":[{"appKey":"live"}]})");
  EXPECT_THAT(router_.asks[0].event.json, Not(HasSubstr("authToken")));
  Answer({true, "", "", {}});
  EXPECT_THAT(line_.said[0], MatchesRegex(R"(.*"authToken":"[0-9a-f]{32}".*)"));
  const std::string first = line_.said[0].substr(0, line_.said[0].find("sessionId"));
  Connect({});
  client_->Hear(R"({"message":"connection","data":[{"appKey":"live"}]})");
  Answer({true, "", "", {}});
  EXPECT_THAT(line_.said[1], Not(StartsWith(first)));
}

TEST_F(WcsClientTest, ADeclinedOneIsToldTheReasonAndThenTheConnectionBreaks) {
  client_->Hear(kConnection);
  Answer({false, "no such user", "", {}});
  EXPECT_THAT(
      line_.said,
      ElementsAre(R"({"message":"fail","data":[{"status":"FAILED","info":"no such user"}]})"));
  EXPECT_EQ(line_.farewell, "1006 no such user");
  EXPECT_THAT(line_.orders, IsEmpty());
}

TEST_F(WcsClientTest, WithoutABackendItIsLetInUnlessTheBackendMustAnswer) {
  client_->Hear(kConnection);
  Answer({true, "the app has no backend", "", {}});
  EXPECT_THAT(line_.said[0], HasSubstr("getUserData"));
  Connect({}, true);
  client_->Hear(kConnection);
  Answer({true, "the app has no backend", "", {}});
  EXPECT_EQ(line_.farewell, "1006 the app has no backend");
  client_.reset();
  EXPECT_THAT(router_.closed, SizeIs(2)) << "both were open";
}

TEST_F(WcsClientTest, TheAddressMayWatchMoreAsFarAsTheTokenAllows) {
  const WatchKey cam{WatchKey::Kind::kStream, "cam"};
  const WatchKey other{WatchKey::Kind::kStream, "other"};
  auto only_cam = std::make_shared<WatchPermissions>();
  only_cam->only = {cam};
  permissions_ = only_cam;
  Connect({{cam}, "", ""});
  client_->Hear(kConnection);
  Answer({true, "", "", {}});
  const WatchKey own{WatchKey::Kind::kSession, session()};
  EXPECT_THAT(std::get<tallybus_v1::Watch>(line_.orders[0]).keys, ElementsAre(cam, own));
  EXPECT_TRUE(line_.permissions->Allow(own));
  EXPECT_TRUE(line_.permissions->Allow(cam));
  EXPECT_FALSE(line_.permissions->Allow(other));
  Connect({{other}, "", ""});
  client_->Hear(kConnection);
  EXPECT_EQ(line_.farewell, "1006 this must not be watched");
  EXPECT_THAT(router_.asks, SizeIs(1)) << "the second was not asked for";
}

TEST_F(WcsClientTest, ATokenThatIsNoGoodIsDeclinedBeforeTheBackendIsAsked) {
  permissions_ = absl::UnauthenticatedError("the token has expired");
  client_->Hear(kConnection);
  EXPECT_EQ(line_.farewell, "1006 the token has expired");
  EXPECT_THAT(line_.said[0], HasSubstr("the token has expired"));
  EXPECT_THAT(router_.asks, IsEmpty());
}

TEST_F(WcsClientTest, ATokenOfOneAppOpensNoSessionOfAnother) {
  auto of_app = std::make_shared<WatchPermissions>();
  of_app->app = "another";
  permissions_ = of_app;
  client_->Hear(kConnection);
  EXPECT_EQ(line_.farewell, "1006 the token is another app's");
  EXPECT_THAT(router_.asks, IsEmpty());
}

TEST_F(WcsClientTest, TheSessionClosesWithTheClient) {
  client_->Hear(kConnection);
  Answer({true, "", "", {}});
  const std::string id = session();
  client_.reset();
  EXPECT_THAT(router_.closed, ElementsAre(id));
}

TEST_F(WcsClientTest, WhoLeavesBeforeTheAnswerIsNotSpokenToAgain) {
  client_->Hear(kConnection);
  client_.reset();
  Answer({true, "", "", {}});
  EXPECT_THAT(line_.said, IsEmpty());
  EXPECT_THAT(router_.closed, SizeIs(1));
}

TEST_F(WcsClientTest, ConnectionIsTheFirstMessageAndNoOther) {
  client_->Hear(R"({"message":"pong","data":[null]})");
  EXPECT_EQ(line_.closed, "") << "it was asked whether it lives";
  client_->Hear(R"({"message":"publishStream","data":[{"mediaSessionId":"m"}]})");
  EXPECT_THAT(line_.closed, StartsWith("4400 connection is the first"));
  line_.closed.clear();
  client_->Hear(kConnection);
  EXPECT_EQ(line_.closed, "");
  client_->Hear(kConnection);
  EXPECT_THAT(line_.closed, StartsWith("4400 connection is the first"));
  line_.closed.clear();
  client_->Hear("{");
  EXPECT_EQ(line_.closed, "4400 the frame is no JSON object");
}

TEST_F(WcsClientTest, WhatIsNotServedIsAnsweredAndPingsToo) {
  client_->Hear(kConnection);
  client_->Hear(R"({"message":"ping","data":[null]})");
  client_->Hear(R"({"message":"pong","data":[null]})");
  client_->Hear(R"({"message":"publishStream","data":[{"mediaSessionId":"m"}]})");
  EXPECT_THAT(line_.said, ElementsAre(HasSubstr("pong"), HasSubstr("notifyStreamStatusEvent")));
  EXPECT_EQ(client_->Ping(), R"({"message":"ping","data":[]})");
}

TEST_F(WcsClientTest, EventsAreToldInItsWords) {
  const std::string tail = R"("message":"StreamStatusEvent","id":"1-1","data":[{"status":"NEW"}]})";
  const auto frame = client_->Tell({1, "StreamStatusEvent", "1-1", tail, nullptr});
  EXPECT_EQ(frame->head + std::string(frame->tail),
            R"({"message":"notifyStreamStatusEvent","data":[{"status":"NEW"}]})");
  EXPECT_FALSE(client_->Tell({1, "Resumed", {}, R"("message":"Resumed","data":[]})", nullptr}));
}

}  // namespace
}  // namespace tallybus
