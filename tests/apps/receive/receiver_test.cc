// The development backend over HTTP.
#include "apps/receive/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/transports/web/web_client.h"

namespace tallybus::receive {
namespace {

using tallybus::testing::Fetch;
using tallybus::testing::RawConnection;
using tallybus::testing::Reply;
using tallybus::testing::Request;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ReceiverTest : public ::testing::Test {
 protected:
  void StartOrDie(Receiver::Options options, const std::string& answers = "200") {
    absl::StatusOr<AnswerScript> script = AnswerScript::Parse(answers);
    ASSERT_TRUE(script.ok()) << script.status();
    options.listen = "127.0.0.1:0";
    options.script = *std::move(script);
    options.print = [this](std::string_view line) {
      std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    };
    absl::StatusOr<std::unique_ptr<Receiver>> receiver = Receiver::Start(std::move(options));
    ASSERT_TRUE(receiver.ok()) << receiver.status();
    receiver_ = *std::move(receiver);
  }

  Reply Post(const std::string& id, const std::string& lane, int sequence,
             const std::string& body = R"({"name":"cam"})") {
    Request request{.method = "POST", .headers = {}, .body = body};
    request.headers = {"webhook-id: " + id, "tallybus-lane: " + lane,
                       "tallybus-sequence: " + std::to_string(sequence)};
    return Fetch("http://" + receiver_->address() + "/any/path/StreamStatusEvent", request);
  }

  std::vector<std::string> Lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(ReceiverTest, SaysWhereItListensAndEchoesTheObjectWith200) {
  StartOrDie({});
  const Reply reply = Post("e-1", "l", 1);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"name":"cam"})");
  EXPECT_THAT(reply.headers, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(Lines(), ElementsAre("listening on http://" + receiver_->address(),
                                   HasSubstr("StreamStatusEvent      -             cam  id e-1  "
                                             "lane l#1  -> 200")));
}

TEST_F(ReceiverTest, AnswersByItsScriptWithEmptyBodies) {
  StartOrDie({}, "500,204,403");
  EXPECT_EQ(Post("e-1", "l", 1).status, 500);
  EXPECT_EQ(Post("e-2", "l", 2).status, 204);
  const Reply last = Post("e-3", "l", 3);
  EXPECT_EQ(last.status, 403);
  EXPECT_EQ(last.body, "");
  EXPECT_EQ(Post("e-4", "l", 4).status, 403);
}

TEST_F(ReceiverTest, ResetsTheConnectionByItsScript) {
  StartOrDie({}, "reset,200");
  EXPECT_EQ(Post("e-1", "l", 1).outcome, CURLE_RECV_ERROR);
  EXPECT_EQ(Post("e-1", "l", 1).status, 200);
  EXPECT_EQ(receiver_->totals().duplicates, 1u) << "it had come before the reset";
}

TEST_F(ReceiverTest, FlagsAnIdThatCameBeforeAndDoesNotTakeItForAHole) {
  StartOrDie({});
  Post("e-1", "l", 1);
  Post("e-2", "l", 2);
  Post("e-1", "l", 1);
  Post("e-3", "l", 3);
  EXPECT_THAT(Lines()[3], HasSubstr("[duplicate]"));
  EXPECT_EQ(receiver_->totals().ToString(), "4 events, 1 duplicate, 0 holes");
}

TEST_F(ReceiverTest, FlagsASequenceThatIsNotTheNextOfItsLane) {
  StartOrDie({});
  Post("e-1", "l", 5);
  Post("e-2", "other", 1);
  Post("e-3", "l", 7);
  Post("e-4", "l", 6);
  Post("e-5", "l", 7);
  EXPECT_THAT(Lines()[1], Not(HasSubstr("hole"))) << "it may join late";
  EXPECT_THAT(Lines()[3], HasSubstr("[hole: #6 was due]"));
  EXPECT_THAT(Lines()[4], HasSubstr("[hole: #8 was due]"));
  EXPECT_THAT(Lines()[5], Not(HasSubstr("hole")));
  EXPECT_EQ(receiver_->totals().holes, 2u);
}

TEST_F(ReceiverTest, PrintsOneJsonObjectForEachEventWhenAsked) {
  Receiver::Options options;
  options.json = true;
  StartOrDie(std::move(options));
  Post("e-1", "l", 1, R"({"a" : 1})");
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_THAT(Lines()[1], HasSubstr(R"("id":"e-1","lane":"l","sequence":1)"));
  EXPECT_THAT(Lines()[1], HasSubstr(R"("body":{"a":1}})"));
}

TEST_F(ReceiverTest, SaysWhenItHasAnsweredEnough) {
  std::promise<void> done;
  Receiver::Options options;
  options.until = 2;
  options.done = [&] { done.set_value(); };
  StartOrDie(std::move(options));
  std::future<void> finished = done.get_future();
  Post("e-1", "l", 1);
  EXPECT_EQ(finished.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(Post("e-2", "l", 2).status, 200);
  EXPECT_EQ(finished.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  Post("e-3", "l", 3);
}

TEST_F(ReceiverTest, TakesABodyOfOneMebibyte) {
  StartOrDie({});
  const std::string body = R"({"sdp":")" + std::string(1 << 20, 'x') + R"("})";
  const Reply reply = Post("e-1", "l", 1, body);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, body);
  EXPECT_LT(Lines()[1].size(), 1000u);
}

TEST_F(ReceiverTest, TakesNothingButPost) {
  StartOrDie({}, "500");
  const Reply reply = Fetch("http://" + receiver_->address() + "/StreamStatusEvent");
  EXPECT_EQ(reply.status, 405);
  EXPECT_THAT(reply.headers, HasSubstr("Allow: POST\r\n"));
  EXPECT_EQ(receiver_->totals().events, 0u);
}

TEST_F(ReceiverTest, CountsWhatItHadToForget) {
  Receiver::Options options;
  options.remembered_ids = 1;
  options.remembered_lanes = 1;
  StartOrDie(std::move(options));
  Post("e-1", "a", 1);
  Post("e-2", "b", 1);
  EXPECT_EQ(receiver_->totals().ToString(),
            "2 events, 0 duplicates, 0 holes, 2 ids or lanes forgotten");
}

TEST_F(ReceiverTest, CountsAndShowsWhatItRefusedUnread) {
  StartOrDie({});
  RawConnection connection(receiver_->address());
  ASSERT_TRUE(connection.Send("nonsense\r\n\r\n"));
  int error = 0;
  connection.ReadToEnd(&error);
  EXPECT_EQ(receiver_->totals().refused, 1u);
  EXPECT_EQ(Lines()[1], "refused: malformed");
}

TEST_F(ReceiverTest, NamesTheSettingWhereItsPortIsTaken) {
  StartOrDie({});
  Receiver::Options options;
  options.listen = receiver_->address();
  options.print = [](std::string_view) { ADD_FAILURE() << "it listens nowhere"; };
  const absl::Status status = Receiver::Start(std::move(options)).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("--port: cannot listen on"));
}

}  // namespace
}  // namespace tallybus::receive
