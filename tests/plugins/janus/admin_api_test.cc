// Calls of Janus's Admin API: what is sent, what each answer means, and that nothing holds its end.
#include "admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "event_replay.h"
#include "tests/support/scripted_server.h"

namespace tallybus::janus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using testing::AnswerWith;
using testing::Connection;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpRequest;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ScriptedServer;

constexpr const char* kSuccess = R"({"janus":"success","session_id":101,"transaction":"t"})";

std::string Error(int code, const std::string& reason) {
  return R"({"janus":"error","error":{"code":)" + std::to_string(code) + R"(,"reason":")" + reason +
         R"("}})";
}

// Its clock goes on by itself, so that no line is left out.
class Lines {
 public:
  std::vector<std::string> All() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }
  bool Await(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, seconds(120), [&] { return lines_.size() >= count; });
  }
  LimitedLog log{[this](tallybus_log_level, const std::string& line) {
                   const std::lock_guard<std::mutex> lock(mutex_);
                   lines_.push_back(line);
                   changed_.notify_all();
                 },
                 [] { return ++now_us_ * 1'000'000; }};

 private:
  static inline std::atomic<int64_t> now_us_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

AdminOptions Options(const std::string& url) {
  AdminOptions options;
  options.url = url;
  options.secret = "s3cret\"";
  options.pause = milliseconds(1);
  return options;
}

// The lines of a call that was answered so and took so many requests, up to the next call's first.
std::vector<std::string> LinesAfter(const testing::Script& script, int requests_of_call = 1) {
  Lines lines;
  ScriptedServer server(script);
  {
    AdminApi api(Options(server.Url("/admin")), lines.log);
    api.EndSession("101");
    api.EndSession("102");
    EXPECT_TRUE(server.WaitForRequests(static_cast<size_t>(requests_of_call) + 1));
    const std::vector<HttpRequest> requests = server.Requests();
    for (int i = 0; i <= requests_of_call; ++i) {
      EXPECT_EQ(requests.at(static_cast<size_t>(i)).target,
                i < requests_of_call ? "/admin/101" : "/admin/102");
    }
  }
  return lines.All();
}

TEST(AdminApiTest, ASessionIsDestroyedAndAHandleIsHungUpWithTheSecret) {
  Lines lines;
  ScriptedServer server(AnswerWith(200, "OK", kSuccess));
  AdminApi api(Options(server.Url("/admin")), lines.log);
  api.EndSession("101");
  api.HangUp("101", "201");
  ASSERT_TRUE(server.WaitForRequests(2));
  const std::vector<HttpRequest> requests = server.Requests();
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/admin/101");
  EXPECT_EQ(requests[0].Header("content-type"), "application/json");
  EXPECT_EQ(requests[0].body,
            R"({"janus":"destroy_session","transaction":"tallybus-1","admin_secret":"s3cret\""})");
  EXPECT_EQ(requests[1].target, "/admin/101/201");
  EXPECT_EQ(requests[1].body,
            R"({"janus":"hangup_webrtc","transaction":"tallybus-2","admin_secret":"s3cret\""})");
  EXPECT_THAT(lines.All(), IsEmpty());
}

TEST(AdminApiTest, WithoutASecretNoneIsSent) {
  Lines lines;
  ScriptedServer server(AnswerWith(200, "OK", kSuccess));
  AdminOptions options = Options(server.Url("/admin"));
  options.secret.clear();
  AdminApi api(options, lines.log);
  api.EndSession("101");
  ASSERT_TRUE(server.WaitForRequests(1));
  EXPECT_THAT(server.Requests()[0].body, Not(HasSubstr("admin_secret")));
}

TEST(AdminApiTest, WhatIsGoneAlreadyIsNoError) {
  EXPECT_THAT(LinesAfter(AnswerWith(200, "OK", Error(458, "No such session 101"))), IsEmpty());
  EXPECT_THAT(LinesAfter(AnswerWith(200, "OK", Error(459, "No such handle 1"))), IsEmpty());
}

TEST(AdminApiTest, AnyOtherErrorIsALineWithItsCodeAndReasonAndWithoutTheSecret) {
  EXPECT_THAT(LinesAfter(AnswerWith(200, "OK", Error(403, "Unauthorized\\nrequest"))).at(0),
              AllOf(HasSubstr("session 101 goes on"), HasSubstr("403 Unauthorized?request"),
                    HasSubstr("general.admin_secret"), Not(HasSubstr("s3cret"))));
}

TEST(AdminApiTest, AnAnswerThatIsNotJanussIsALine) {
  EXPECT_THAT(LinesAfter(AnswerWith(404, "Not Found", "")).at(0), HasSubstr("HTTP 404"));
  EXPECT_THAT(LinesAfter(AnswerWith(200, "OK", "[]")).at(0), HasSubstr("HTTP 200"));
  EXPECT_THAT(LinesAfter(AnswerWith(500, "No", kSuccess)).at(0), HasSubstr("HTTP 500"));
}

TEST(AdminApiTest, ARedirectIsNotFollowed) {
  EXPECT_THAT(LinesAfter(AnswerWith(302, "Found", "", "Location: /elsewhere\r\n")).at(0),
              HasSubstr("HTTP 302"));
}

TEST(AdminApiTest, AnAnswerWithoutAnEndIsBrokenOff) {
  EXPECT_THAT(LinesAfter(testing::SendForEver()).at(0), HasSubstr("session 101 goes on"));
}

TEST(AdminApiTest, WhereNobodyAnswersItIsTriedThreeTimes) {
  const std::vector<std::string> lines = LinesAfter(testing::CloseWithoutAnswer(), 3);
  ASSERT_GE(lines.size(), 1U);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("session 101 goes on"), HasSubstr("/admin")));
}

TEST(AdminApiTest, ALaterTrySucceeds) {
  std::atomic<int> count{0};
  const testing::Script script = [&](const HttpRequest&, Connection& connection) {
    if (++count < 3) return connection.Close();
    connection.Answer(200, "OK", kSuccess);
  };
  EXPECT_THAT(LinesAfter(script, 3), IsEmpty());
}

TEST(AdminApiTest, APortThatRefusesIsALine) {
  Lines lines;
  const testing::RefusingPort port;
  AdminApi api(Options("http://127.0.0.1:" + std::to_string(port.port()) + "/admin"), lines.log);
  api.HangUp("101", "201");
  ASSERT_TRUE(lines.Await(1));
  EXPECT_THAT(lines.All()[0], HasSubstr("handle 201 of session 101 goes on"));
}

TEST(AdminApiTest, ItsTimeIsLimited) {
  Lines lines;
  ScriptedServer server(testing::NeverAnswer());
  AdminOptions options = Options(server.Url("/admin"));
  options.timeout = milliseconds(50);
  options.tries = 1;
  AdminApi api(options, lines.log);
  api.EndSession("101");
  ASSERT_TRUE(lines.Await(1));
  EXPECT_THAT(lines.All()[0], HasSubstr("imeout"));
}

TEST(AdminApiTest, ItsEndBreaksOffWhatIsUnderWayAndDropsWhatWaits) {
  Lines lines;
  ScriptedServer server(testing::NeverAnswer());
  AdminOptions options = Options(server.Url("/admin"));
  options.timeout = seconds(300);  // the test's own limit comes first
  {
    AdminApi api(options, lines.log);
    api.EndSession("101");
    api.EndSession("102");
    ASSERT_TRUE(server.WaitForRequests(1));
  }
  EXPECT_EQ(server.Requests().size(), 1U);
  EXPECT_THAT(lines.All(), IsEmpty());
}

TEST(AdminApiTest, ItsEndDoesNotWaitForTheNextTry) {
  Lines lines;
  ScriptedServer server(testing::CloseWithoutAnswer());
  AdminOptions options = Options(server.Url("/admin"));
  options.pause = seconds(300);
  AdminApi api(options, lines.log);
  api.EndSession("101");
  ASSERT_TRUE(server.WaitForRequests(1));
}

TEST(AdminApiTest, WhatIsTooMuchIsDroppedAndCounted) {
  Lines lines;
  std::mutex gate;
  std::unique_lock<std::mutex> closed(gate);
  ScriptedServer server([&](const HttpRequest&, Connection& connection) {
    { const std::lock_guard<std::mutex> wait(gate); }
    connection.Answer(200, "OK", kSuccess);
  });
  AdminApi api(Options(server.Url("/admin")), lines.log);
  api.EndSession("101");
  ASSERT_TRUE(server.WaitForRequests(1));
  for (size_t i = 0; i < AdminApi::kMaxWaiting + 7; ++i) api.EndSession("102");
  closed.unlock();
  ASSERT_TRUE(lines.Await(2));
  EXPECT_THAT(lines.All(), ElementsAre(HasSubstr("too slow"), HasSubstr("not ended meanwhile: 7")));
  EXPECT_EQ(server.Requests().size(), AdminApi::kMaxWaiting + 1);
}

TEST(AdminApiTest, TakesNoSignalOfTheProcess) {
  Lines lines;
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  std::atomic<bool> blocked{false};
  LimitedLog log{[&](tallybus_log_level, const std::string& line) {
                   sigset_t mask;
                   pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                   blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
                   lines.log.Write(TALLYBUS_LOG_ERROR, line);
                 },
                 [] { return int64_t{0}; }};
  ScriptedServer server(AnswerWith(404, "Not Found"));
  AdminApi api(Options(server.Url("/admin")), log);
  api.EndSession("101");
  ASSERT_TRUE(lines.Await(1));
  EXPECT_TRUE(blocked);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace tallybus::janus
