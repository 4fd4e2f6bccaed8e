// The bytes of a connection that libcurl has made, with TLS and without.
#include "transports/rest/channel.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/support/scripted_server.h"
#include "tests/transports/rest/scheme_peers.h"

namespace tallybus::rest {
namespace {

using testing::Connection;
using testing::HttpRequest;
using testing::ScriptedServer;

constexpr char kHead[] = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
constexpr int kPatienceMs = 60'000;

class ChannelTest : public ::testing::TestWithParam<Scheme> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(watch_.Open().ok());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    if (peers_.tls()) curl_easy_setopt(easy_, CURLOPT_CAINFO, peers_.tls()->ca_file().c_str());
  }
  void TearDown() override {
    channel_.Close();
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }
  // What libcurl does before a channel can be opened.
  void Connect(const ScriptedServer& server) {
    curl_easy_setopt(easy_, CURLOPT_URL, server.Url("/").c_str());
    ASSERT_EQ(curl_multi_add_handle(multi_, easy_), CURLM_OK);
    int running = 1;
    for (int i = 0; i < 1000 && running > 0; ++i) {
      curl_multi_perform(multi_, &running);
      if (running > 0) curl_multi_poll(multi_, nullptr, 0, 10, nullptr);
    }
    ASSERT_EQ(running, 0);
    ASSERT_TRUE(channel_.Open(nullptr));
  }
  // As Receive, when there is something.
  std::string Read() {
    for (int i = 0; i < 100; ++i) {
      const ssize_t n = channel_.Receive(buffer_);
      if (n != Channel::kNotNow) {
        return n < 0 ? "broken" : n == 0 ? "end" : std::string(buffer_.data(), n);
      }
      channel_.Want(EPOLLIN);
      watch_.Wait(kPatienceMs);
    }
    return "nothing";
  }

  const SchemePeers peers_{GetParam()};
  SocketWatch watch_;
  CURLM* const multi_ = curl_multi_init();
  CURL* const easy_ = curl_easy_init();
  Channel channel_{easy_, multi_, watch_, peers_.tls() != nullptr};
  std::array<char, Channel::kBuffer> buffer_;
};

INSTANTIATE_TEST_SUITE_P(By, ChannelTest, ::testing::Values(Scheme::kPlain, Scheme::kTls),
                         SchemeName);

TEST_P(ChannelTest, CarriesBytesBothWays) {
  ScriptedServer server(testing::AnswerWith(200, "OK", "{}"), peers_.tls());
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(channel_.Receive(buffer_), Channel::kNotNow);
    std::string first = kHead;
    std::string second = "body";
    while (!(first + second).empty()) {
      const ssize_t n = channel_.Send(first, second);
      ASSERT_GT(n, 0);
      const size_t of_first = std::min(first.size(), static_cast<size_t>(n));
      first.erase(0, of_first);
      second.erase(0, static_cast<size_t>(n) - of_first);
    }
    channel_.Want(EPOLLIN);
    ASSERT_FALSE(watch_.Wait(kPatienceMs).empty());
    EXPECT_TRUE(channel_.HasSpoken());
    EXPECT_EQ(Read(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  }
  EXPECT_EQ(server.Requests().size(), 3u);
  EXPECT_EQ(server.Requests()[2].body, "body");
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(ChannelTest, GivesAllThatCameInOneRead) {
  ScriptedServer server(
      [](const HttpRequest&, Connection& c) { c.Send(std::string(Channel::kBuffer, 'x')); },
      peers_.tls());
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  ASSERT_GT(channel_.Send(std::string(kHead) + "body", ""), 0);
  size_t got = 0;
  for (int i = 0; i < 100 && got < Channel::kBuffer; ++i) {
    got += Read().size();
    // Nothing is left behind that the socket does not tell of.
    EXPECT_TRUE(got == Channel::kBuffer || !watch_.Wait(kPatienceMs).empty());
  }
  EXPECT_EQ(got, Channel::kBuffer);
  EXPECT_FALSE(channel_.HasSpoken());
}

TEST_P(ChannelTest, SaysThatThePeerTakesNoMoreForNow) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  manner.receive_buffer = 64 << 10;
  ScriptedServer server(testing::AnswerWith(200, "OK"), manner);
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  std::string body(12 << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>('a' + (i * 7 + i / 999) % 26);
  const std::string all =
      "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  int waits = 0;
  for (size_t sent = 0; sent < all.size() && waits < 10'000;) {
    const ssize_t n = channel_.Send(std::string_view(all).substr(sent), "");
    ASSERT_NE(n, Channel::kBroken);
    if (n > 0) sent += static_cast<size_t>(n);
    if (n > 0) continue;
    ++waits;
    channel_.Want(EPOLLOUT);
    watch_.Wait(kPatienceMs);
  }
  EXPECT_GT(waits, 0);
  ASSERT_TRUE(server.WaitForRequests(1));
  EXPECT_TRUE(server.Requests()[0].body == body);
}

TEST_P(ChannelTest, TellsThePeersEnd) {
  ScriptedServer server(testing::CloseWithoutAnswer(), peers_.tls());
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  ASSERT_GT(channel_.Send(std::string(kHead) + "body", ""), 0);
  EXPECT_EQ(Read(), "end");
}

TEST_P(ChannelTest, TellsAReset) {
  ScriptedServer server(testing::ResetConnection(), peers_.tls());
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  ASSERT_GT(channel_.Send(std::string(kHead) + "body", ""), 0);
  EXPECT_EQ(Read(), "broken");
}

TEST_P(ChannelTest, ClosesForThePeerToSee) {
  testing::Manner manner;
  manner.tls = peers_.tls();
  bool ended = false;
  {
    ScriptedServer server(
        [&](const HttpRequest&, Connection& c) {
          c.WaitUntilClosed();
          ended = true;
        },
        manner);
    ASSERT_NO_FATAL_FAILURE(Connect(server));
    ASSERT_GT(channel_.Send(std::string(kHead) + "body", ""), 0);
    ASSERT_TRUE(server.WaitForRequests(1));
    channel_.Close();
    EXPECT_FALSE(channel_.is_open());
    channel_.Close();  // does nothing
  }
  EXPECT_TRUE(ended);
}

TEST_P(ChannelTest, IsNotOpenWhereLibcurlHasMadeNothing) {
  EXPECT_FALSE(channel_.Open(nullptr));
  EXPECT_FALSE(channel_.is_open());
}

}  // namespace
}  // namespace tallybus::rest
