// How an answer reaches the server's thread, and when it does not.
#include "transports/web/pending_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HttpAnswer Saying(const std::string& body) {
  HttpAnswer answer;
  answer.body = body;
  return answer;
}

class PendingAnswerTest : public ::testing::Test {
 protected:
  HttpServer::Answer NewAnswer() {
    return AnswerOnce(thread_, [this](std::optional<HttpAnswer> answer) {
      taken_.push_back(answer ? answer->body : "none");
    });
  }

  boost::asio::io_context io_;
  std::shared_ptr<ServerThread> thread_ = std::make_shared<ServerThread>(io_);
  std::vector<std::string> taken_;
};

TEST_F(PendingAnswerTest, IsTakenOnTheThreadThatRunsTheServerAndNotByTheCaller) {
  NewAnswer()(Saying("a"));
  EXPECT_THAT(taken_, IsEmpty());
  io_.run();
  EXPECT_THAT(taken_, ElementsAre("a"));
}

TEST_F(PendingAnswerTest, IsTheFirstOneWhicheverCopyGaveIt) {
  {
    const HttpServer::Answer answer = NewAnswer();
    const HttpServer::Answer copy = answer;
    copy(Saying("first"));
    answer(Saying("second"));
  }
  io_.run();
  EXPECT_THAT(taken_, ElementsAre("first"));
}

TEST_F(PendingAnswerTest, IsNoneOnceTheLastCopyIsGone) {
  auto answer = std::make_unique<HttpServer::Answer>(NewAnswer());
  auto copy = std::make_unique<HttpServer::Answer>(*answer);
  answer.reset();
  EXPECT_EQ(io_.poll(), 0u);
  copy.reset();
  io_.restart();
  io_.run();
  EXPECT_THAT(taken_, ElementsAre("none"));
}

TEST_F(PendingAnswerTest, GoesNowhereOnceTheServerIsGone) {
  {
    const HttpServer::Answer given = NewAnswer();
    const HttpServer::Answer dropped = NewAnswer();
    thread_->Close();
    given(Saying("late"));
  }
  io_.run();
  EXPECT_THAT(taken_, IsEmpty());
}

TEST_F(PendingAnswerTest, IsOneEvenWhereManyThreadsGiveIt) {
  {
    const HttpServer::Answer answer = NewAnswer();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([answer] { answer(Saying("x")); });
    for (std::thread& thread : threads) thread.join();
  }
  io_.run();
  EXPECT_THAT(taken_, ElementsAre("x"));
}

}  // namespace
}  // namespace tallybus
