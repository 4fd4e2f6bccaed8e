// What the command line learns of a daemon that answers, and of all that does not.
#include "apps/tallybus/admin_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/scratch_directory.h"
#include "transports/web/answers.h"
#include "transports/web/http_server.h"

namespace tallybus::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class AdminClientTest : public ::testing::Test {
 protected:
  void Serve(HttpServer::Handler handler, const std::string& listen) {
    HttpServer::Options options;
    options.listen = listen;
    options.setting = "test";
    options.thread_name = "test-http";
    options.handler = std::move(handler);
    auto server = HttpServer::Start(std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void Serve(HttpServer::Handler handler) { Serve(std::move(handler), address_); }

  void ServeBody(std::string body) {
    Serve([body = std::move(body)](const HttpRequest&) { return JsonAnswer(200, body); });
  }

  AdminClient Client(AdminClient::Limits limits = {}) {
    auto client = AdminClient::At(address_, limits);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  absl::Status Get(AdminClient::Limits limits = {}) { return Client(limits).Get("/x").status(); }

  const testing::ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/admin.sock";
  std::string address_ = "unix:" + path_;
  std::unique_ptr<HttpServer> server_;
};

HttpAnswer Echo(const HttpRequest& request) {
  return JsonAnswer(200,
                    request.method + " " + request.path + "?" + request.query + " " + request.body);
}

TEST_F(AdminClientTest, AsksOverTheSocketAndReadsTheAnswer) {
  Serve(Echo);
  const auto got = Client().Get("/api/v1/x?a=1");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->content_type, "application/json");
  EXPECT_EQ(got->body, "GET /api/v1/x?a=1 ");
  EXPECT_EQ(Client().Post("/y", R"({"a":1})")->body, R"(POST /y? {"a":1})");
  EXPECT_EQ(Client().Post("/y", "")->body, "POST /y? ");
  EXPECT_EQ(Client().Delete("/z/1")->body, "DELETE /z/1? ");
}

TEST_F(AdminClientTest, AsksOverTcpWhereAPortIsNamed) {
  Serve(Echo, "127.0.0.1:0");
  address_ = "http://" + server_->address();
  EXPECT_EQ(Client().Get("/x")->body, "GET /x? ");
  address_ += "/";
  EXPECT_EQ(Client().Get("/x")->body, "GET /x? ");
}

TEST_F(AdminClientTest, RefusesWhatIsNoAddress) {
  for (const char* address :
       {"/run/x.sock", "unix:", "unix:x.sock", "https://127.0.0.1:1", "http://127.0.0.1",
        "http://u:p@127.0.0.1:1", "http://127.0.0.1:1/x", "http://127.0.0.1:1?x", "http://:1",
        "ipc:///x", "file:///etc/passwd"}) {
    EXPECT_EQ(AdminClient::At(address).status().code(), absl::StatusCode::kInvalidArgument)
        << address;
  }
  EXPECT_TRUE(AdminClient::At("unix:/" + std::string(106, 'x')).ok());
  EXPECT_THAT(std::string(AdminClient::At("unix:/" + std::string(107, 'x')).status().message()),
              HasSubstr("at most 107 bytes; this one has 108"));
}

TEST_F(AdminClientTest, SaysThatNobodyIsThereAndWhatToDo) {
  const std::string nobody =
      "no tallybusd answers at " + path_ + ": is it running? name another with --admin";
  EXPECT_EQ(Get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Get().message(), nobody);
  ServeBody("{}");
  server_.reset();
  EXPECT_EQ(Get().message(), nobody);
}

TEST_F(AdminClientTest, SaysWhoMayWherePermissionIsDenied) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ServeBody("{}");
  ASSERT_EQ(chmod(directory_.path().c_str(), 0711), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const absl::Status socket_closed = Get();
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_EQ(chmod(directory_.path().c_str(), 0700), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const absl::Status folder_closed = Get();
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(socket_closed.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(socket_closed.message(),
            "permission denied at " + path_ + ": only root may use it; run this as root");
  EXPECT_EQ(folder_closed.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(folder_closed.message(),
            "permission denied at " + path_ + ": " + directory_.path() + " lets only root through");
}

TEST_F(AdminClientTest, GivesUpOnAnAnswerThatDoesNotCome) {
  HttpAnswer silence;
  silence.fate = HttpAnswer::Fate::kSilence;
  Serve([silence](const HttpRequest&) { return silence; });
  const absl::Status late = Get({.timeout = absl::Milliseconds(100)});
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(late.message(),
            "no answer from " + address_ + " within 100ms: tallybusd is busy or stuck");
}

TEST_F(AdminClientTest, ReadsAnAnswerAtItsBoundAndRefusesAByteMore) {
  ServeBody(std::string(1 << 20, 'x'));
  EXPECT_TRUE(Get({.answer_bytes = 1 << 20}).ok());
  const absl::Status large = Get({.answer_bytes = (1 << 20) - 1});
  EXPECT_EQ(large.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(large.message()), HasSubstr("larger than 1048575 bytes; ask for less"));
}

TEST_F(AdminClientTest, HandsOutLinesAsTheyAre) {
  ServeBody("{\"n\":1}\n\n{\"n\":2}\nlast");
  std::vector<std::string> lines;
  const auto answer = Client().GetLines("/x", [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(lines, ElementsAre("{\"n\":1}", "", "{\"n\":2}", "last"));
  EXPECT_EQ(answer->body, "");
}

TEST_F(AdminClientTest, StopsReadingLinesWhenItIsTold) {
  ServeBody("1\n2\n3\n");
  int lines = 0;
  const auto answer = Client().GetLines("/x", [&](std::string_view) { return ++lines < 2; });
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(lines, 2);
}

TEST_F(AdminClientTest, StreamsMoreThanAnAnswerMayHoldButNoEndlessLine) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += std::string(99, 'x') + "\n";
  ServeBody(many);
  size_t lines = 0;
  const auto count = [&](std::string_view) { return ++lines > 0; };
  AdminClient::Limits limits{.answer_bytes = 10'000, .line_bytes = 100'000};
  EXPECT_TRUE(Client(limits).GetLines("/x", count).ok());
  EXPECT_EQ(lines, 1000u);
  server_.reset();
  ServeBody(std::string(1000, 'x'));
  limits.line_bytes = 500;
  const absl::Status endless = Client(limits).GetLines("/x", count).status();
  EXPECT_EQ(endless.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(endless.message()), HasSubstr("500 bytes in one line"));
}

TEST_F(AdminClientTest, AnErrorsBodyIsNoLine) {
  Serve([](const HttpRequest&) { return TextAnswer(404, "no such page"); });
  const auto answer = Client().GetLines("/x", [](std::string_view) {
    ADD_FAILURE() << "no line came";
    return true;
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Client().Judge(*answer).message(), address_ + " answers 404: no such page");
}

TEST_F(AdminClientTest, JudgesAnAnswerAndShowsNoneOfItsTricks) {
  const AdminClient client = Client();
  EXPECT_TRUE(client.Judge({200, "", ""}).ok());
  EXPECT_TRUE(client.Judge({204, "", ""}).ok());
  const std::string tricky(client.Judge({500, "", "\x1b[2Jgone\nsecond"}).message());
  EXPECT_EQ(tricky, address_ + " answers 500: \\x1b[2Jgone");
  EXPECT_THAT(std::string(client.Judge({503, "", ""}).message()), HasSubstr("no reason was given"));
  EXPECT_LT(client.Judge({500, "", std::string(10'000, 'x')}).message().size(), 500u);
}

// A peer that reads a little, says `bytes`, and hangs up.
class RudePeer {
 public:
  RudePeer(const std::string& path, std::string bytes) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    thread_ = std::thread([this, bytes = std::move(bytes)] {
      const int peer = accept(fd_, nullptr, nullptr);
      char request[4096];
      if (recv(peer, request, sizeof request, 0) > 0) {
        send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      }
      close(peer);
    });
  }
  ~RudePeer() {
    thread_.join();
    close(fd_);
  }

 private:
  const int fd_;
  std::thread thread_;
};

TEST_F(AdminClientTest, SaysThatWhatAnswersIsNoTallybusd) {
  const RudePeer peer(path_, "SSH-2.0-OpenSSH_9.2\r\n");
  const absl::Status status = Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("what answers at " + address_ + " is no tallybusd"),
                    Not(HasSubstr("OpenSSH"))));
}

TEST_F(AdminClientTest, SaysThatThePeerWentAway) {
  for (const char* bytes : {"", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}) {
    unlink(path_.c_str());
    const RudePeer peer(path_, bytes);
    const absl::Status status = Get();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << bytes;
    EXPECT_THAT(std::string(status.message()), HasSubstr("went away before")) << bytes;
  }
}

TEST_F(AdminClientTest, ByDefaultLooksWhereTheDaemonListensByDefault) {
  const char* before = getenv("RUNTIME_DIRECTORY");
  const std::string kept = before == nullptr ? "" : before;
  setenv("RUNTIME_DIRECTORY", directory_.path().c_str(), 1);
  ServeBody("{}");
  const auto client = AdminClient::At("");
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->address(), address_);
  EXPECT_TRUE(client->Get("/x").ok());
  before == nullptr ? unsetenv("RUNTIME_DIRECTORY") : setenv("RUNTIME_DIRECTORY", kept.c_str(), 1);
}

}  // namespace
}  // namespace tallybus::cli
