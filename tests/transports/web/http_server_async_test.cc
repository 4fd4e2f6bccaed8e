// Answers that come later: from other threads, too late, twice, never, to nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/scratch_directory.h"
#include "tests/transports/web/web_client.h"
#include "transports/web/http_server.h"

namespace tallybus {
namespace {

using ::testing::AllOf;
using testing::Fetch;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawConnection;
using ::testing::StartsWith;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

HttpAnswer Saying(const std::string& body) {
  HttpAnswer answer;
  answer.body = body;
  return answer;
}

// A server that keeps the answer of each request for the test to give.
class HttpServerAsyncTest : public ::testing::Test {
 protected:
  HttpServer::Options Options() {
    HttpServer::Options options;
    options.listen = "127.0.0.1:0";
    options.setting = "test";
    options.thread_name = "test-http";
    options.async_handler = [this](const HttpRequest&, HttpServer::Answer answer) {
      std::lock_guard lock(mutex_);
      kept_.push_back(std::move(answer));
      more_.notify_one();
    };
    options.refused = [this](std::string_view reason) {
      std::lock_guard lock(mutex_);
      refused_ += std::string(reason) + " ";
    };
    return options;
  }

  void Start(HttpServer::Options options) {
    auto server = HttpServer::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // The answer of the oldest request that is not answered yet; waits for one.
  HttpServer::Answer Take() {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return !kept_.empty(); });
    HttpServer::Answer answer = std::move(kept_.front());
    kept_.pop_front();
    return answer;
  }

  std::string Refused() {
    std::lock_guard lock(mutex_);
    return refused_;
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<HttpServer::Answer> kept_;
  std::string refused_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerAsyncTest, SendsAnAnswerThatAnotherThreadGives) {
  Start(Options());
  RawConnection connection(server_->address());
  for (const char* text : {"first", "second"}) {
    ASSERT_TRUE(connection.Send(kGet));
    const HttpServer::Answer answer = Take();
    answer(Saying(text));
    EXPECT_THAT(connection.ReadThrough(text), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(text)));
  }
}

TEST_F(HttpServerAsyncTest, SendsAnAnswerThatTheHandlerGivesItself) {
  HttpServer::Options options = Options();
  options.async_handler = [](const HttpRequest& request, const HttpServer::Answer& answer) {
    answer(Saying(request.query));
  };
  Start(std::move(options));
  EXPECT_EQ(Fetch("http://" + server_->address() + "/?q").body, "q");
}

TEST_F(HttpServerAsyncTest, ServesOthersWhileAnAnswerIsAwaited) {
  Start(Options());
  RawConnection slow(server_->address());
  ASSERT_TRUE(slow.Send(kGet));
  const HttpServer::Answer late = Take();
  RawConnection quick(server_->address());
  ASSERT_TRUE(quick.Send(kGet));
  Take()(Saying("quick"));
  EXPECT_THAT(quick.ReadThrough("quick"), HasSubstr("quick"));
  late(Saying("slow"));
  EXPECT_THAT(slow.ReadThrough("slow"), HasSubstr("slow"));
}

TEST_F(HttpServerAsyncTest, SendsTheFirstOfTwoAnswersAlone) {
  Start(Options());
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const HttpServer::Answer answer = Take();
  answer(Saying("first"));
  answer(Saying("second"));
  int error = -1;
  EXPECT_THAT(connection.ReadToEnd(&error), AllOf(HasSubstr("first"), Not(HasSubstr("second"))));
  EXPECT_EQ(error, 0);
}

TEST_F(HttpServerAsyncTest, KeepsAConnectionThatAwaitsItsAnswerBeyondTheIdleTimeout) {
  HttpServer::Options options = Options();
  options.idle_timeout = absl::Seconds(2);
  Start(std::move(options));
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send(kGet));
  const HttpServer::Answer answer = Take();
  RawConnection idle(server_->address());  // began later, and is ended first
  int error = -1;
  idle.ReadToEnd(&error);
  EXPECT_EQ(error, 0);
  answer(Saying("patience"));
  EXPECT_THAT(connection.ReadThrough("patience"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerAsyncTest, Is504WhereNoAnswerComesInTimeAndTheLateOneAnswersNothing) {
  HttpServer::Options options = Options();
  options.answer_timeout = absl::Seconds(3);
  Start(std::move(options));
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send(kGet));
  const HttpServer::Answer late = Take();
  EXPECT_THAT(connection.ReadThrough("stuck\n"),
              AllOf(StartsWith("HTTP/1.1 504"), HasSubstr("no answer came in time")));
  EXPECT_EQ(Refused(), "answer_late ");
  ASSERT_TRUE(connection.Send(kGet));
  const HttpServer::Answer right = Take();
  late(Saying("wrong one"));
  right(Saying("right one"));
  EXPECT_THAT(connection.ReadThrough("one"), HasSubstr("right one"));
}

TEST_F(HttpServerAsyncTest, Is503WhereWhoeverHadToAnswerForgot) {
  Start(Options());
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send(kGet));
  { const HttpServer::Answer forgotten = Take(); }
  EXPECT_THAT(connection.ReadThrough("try again\n"),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("without an answer")));
  EXPECT_EQ(Refused(), "answer_lost ");
}

TEST_F(HttpServerAsyncTest, AnAnswerToAConnectionThatIsGoneDoesNoHarm) {
  Start(Options());
  auto gone = std::make_unique<RawConnection>(server_->address());
  ASSERT_TRUE(gone->Send(kGet));
  const HttpServer::Answer answer = Take();
  gone.reset();
  answer(Saying(std::string(1 << 20, 'x')));
  RawConnection next(server_->address());
  ASSERT_TRUE(next.Send(kGet));
  Take()(Saying("alive"));
  EXPECT_THAT(next.ReadThrough("alive"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerAsyncTest, AnAnsweredConnectionEndsWithItsPeerAndMakesRoom) {
  HttpServer::Options options = Options();
  options.max_connections = 1;
  options.answer_timeout = absl::Minutes(5);
  options.async_handler = [](const HttpRequest&, const HttpServer::Answer& answer) {
    answer(Saying("x"));
  };
  Start(std::move(options));
  const std::string url = "http://" + server_->address() + "/";
  ASSERT_EQ(Fetch(url).status, 200);
  long status = 0;
  for (int i = 0; i < 1000 && status != 200; ++i) status = Fetch(url).status;
  EXPECT_EQ(status, 200);
}

TEST_F(HttpServerAsyncTest, StopsWhileAnswersArePendingAndTheyDoNoHarmAfterwards) {
  Start(Options());
  RawConnection given(server_->address());
  RawConnection forgotten(server_->address());
  ASSERT_TRUE(given.Send(kGet) && forgotten.Send(kGet));
  {
    const HttpServer::Answer first = Take();
    const HttpServer::Answer second = Take();
    server_->Stop();
    server_.reset();
    first(Saying("to nobody"));
  }
  int error = -1;
  EXPECT_EQ(given.ReadToEnd(&error), "");
  EXPECT_EQ(forgotten.ReadToEnd(&error), "");
}

TEST_F(HttpServerAsyncTest, AnswersMayRaceTheEndOfTheServer) {
  for (int round = 0; round < 20; ++round) {
    Start(Options());
    std::vector<std::unique_ptr<RawConnection>> connections;
    std::vector<std::thread> answering;
    std::atomic<bool> go = false;
    for (int i = 0; i < 3; ++i) {
      connections.push_back(std::make_unique<RawConnection>(server_->address()));
      ASSERT_TRUE(connections.back()->Send(kGet));
      answering.emplace_back([&go, answer = Take()] {
        while (!go) std::this_thread::yield();
        answer(Saying("x"));
      });
    }
    go = true;
    server_.reset();
    for (std::thread& thread : answering) thread.join();
  }
}

TEST_F(HttpServerAsyncTest, ServesAUnixSocketToo) {
  const testing::ScratchDirectory directory;
  HttpServer::Options options = Options();
  options.listen = "unix:" + directory.path() + "/a.sock";
  Start(std::move(options));
  EXPECT_EQ(server_->address(), "unix:" + directory.path() + "/a.sock");
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send(kGet));
  Take()(Saying("by file"));
  EXPECT_THAT(connection.ReadThrough("by file"), StartsWith("HTTP/1.1 200"));
  server_->Stop();
  EXPECT_NE(access((directory.path() + "/a.sock").c_str(), F_OK), 0) << "its file goes with it";
  int error = -1;
  connection.ReadToEnd(&error);
  EXPECT_EQ(error, 0);
}

}  // namespace
}  // namespace tallybus
