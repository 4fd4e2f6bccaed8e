// A gateway behind a real web server, a router that is played by the test, and clients on plain
// sockets.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_GATEWAY_BENCH_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_GATEWAY_BENCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "transports/web/client_gateway.h"
#include "transports/web/web_server.h"

namespace tallybus::testing {

// A peer that reads only when it is told to; reads give up after ten seconds.
class PlainClient {
 public:
  explicit PlainClient(const std::string& address, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const timeval limit{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof peer), 0);
  }
  ~PlainClient() { close(fd_); }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  void Send(const std::string& bytes) { (void)send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // All through `end`, or to the end of the connection.
  std::string ReadThrough(const std::string& end) {
    std::string bytes;
    char c = 0;
    while (!bytes.ends_with(end) && recv(fd_, &c, 1, 0) == 1) bytes += c;
    return bytes;
  }
  std::string ReadBytes(size_t count) {
    std::string bytes(count, '\0');
    const ssize_t got = count == 0 ? 0 : recv(fd_, bytes.data(), count, MSG_WAITALL);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return bytes;
  }
  bool Ended() { return ReadBytes(1).empty(); }

 private:
  const int fd_;
};

// A frame as a client sends it, masked by zeros; `first` is its first byte.
inline std::string Frame(const std::string& payload, uint8_t first = 0x81, bool masked = true) {
  std::string frame(1, static_cast<char>(first));
  const uint8_t mask = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    frame += static_cast<char>(mask | payload.size());
  } else {
    frame += static_cast<char>(mask | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xff);
  }
  if (masked) frame += std::string(4, '\0');
  return frame + payload;
}

class WebSocketPeer : public PlainClient {
 public:
  WebSocketPeer(const std::string& address, const std::string& target, int receive_buffer = 0,
                const std::string& headers = "")
      : PlainClient(address, receive_buffer) {
    Send("GET " + target +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         headers + "\r\n");
    handshake = ReadThrough("\r\n\r\n");
  }

  // The next frame's payload; of a close frame "close <code> <reason>", of a ping "ping"; at the
  // end of the connection "end".
  std::string Read() {
    const std::string head = ReadBytes(2);
    if (head.size() < 2) return "end";
    size_t size = static_cast<uint8_t>(head[1]);
    if (size >= 126) {
      const std::string longer = ReadBytes(size == 126 ? 2 : 8);
      size = 0;
      for (char c : longer) size = size << 8 | static_cast<uint8_t>(c);
    }
    const std::string payload = ReadBytes(size);
    switch (head[0] & 0x0f) {
      case 8:
        if (size < 2) return "close";
        return "close " +
               std::to_string(static_cast<uint8_t>(payload[0]) << 8 |
                              static_cast<uint8_t>(payload[1])) +
               " " + payload.substr(2);
      case 9:
        return "ping";
      default:
        return payload;
    }
  }
  // Answers a close, as a peer should.
  std::string ReadClose() {
    std::string close = Read();
    Send(Frame("", 0x88));
    return close;
  }

  std::string handshake;
};

// Answers each `connect` at once, on the web thread.
class AnsweringRouter final : public EventSink {
 public:
  absl::Status Accept(IngressBatch&& batch) override {
    for (IngressRecord& record : batch.records) {
      auto* ask = std::get_if<Ask>(&record);
      ++(ask != nullptr ? asked : closed);
      if (ask != nullptr && answers) ask->answer(answer);
    }
    return absl::OkStatus();
  }
  bool IsBehind() const override { return false; }
  bool HasRoom() const override { return true; }

  AskAnswer answer{true, "", "", {}};  // before Start, both
  bool answers = true;
  std::atomic<int> asked{0};
  std::atomic<int> closed{0};
};

class GatewayBench : public ::testing::Test {
 protected:
  GatewayBench() {
    options_.tick = absl::Milliseconds(5);
    options_.audience.between_passes = absl::ZeroDuration();
  }
  ~GatewayBench() override {
    if (server_) server_->Stop();
  }

  void Start() {
    gateway_ = std::make_unique<ClientGateway>(options_, clock_, metrics_);
    // The answer comes on the web thread, and the test notifies on its own: Notify waits for it.
    gateway_->SetSource([this](std::vector<LiveFilter> filters, ClientGateway::Answer answer) {
      std::lock_guard lock(router_);
      for (const LiveFilter& filter : filters) asked_.push_back(filter.within_app);
      if (!answers_) return;
      answer(std::vector<LiveStreams>(filters.size(), LiveStreams{live_, false}));
    });
    gateway_->SetSink(backend_);
    WebServer::Options web;
    web.listen = "127.0.0.1:0";
    web.routes = gateway_->Routes();
    auto server = WebServer::Start(std::move(web), metrics_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  const std::string& address() const { return server_->address(); }
  void Notify(const std::string& json, const std::string& session = "s1",
              const std::string& app = "app") {
    std::lock_guard lock(router_);
    Notification notification;
    notification.session_id = session;
    notification.name = "cam";
    notification.app_key = app;
    notification.message = "StreamStatusEvent";
    notification.json = json;
    notification.id = {1, ++events_};
    gateway_->Notify(notification);
  }
  // The app that each question was bound to.
  std::vector<std::string> Asked() {
    std::lock_guard lock(router_);
    return asked_;
  }
  uint64_t Count(const std::string& name, const std::string& reason) {
    return metrics_.GetCounter(name, "", {{"reason", reason}}).Value();
  }
  uint64_t Closes(const std::string& reason) {
    return Count("tallybus_client_closes_total", reason);
  }
  uint64_t Refused(const std::string& reason) {
    return Count("tallybus_client_refused_total", reason);
  }
  int64_t Connected(const std::string& kind) {
    return metrics_.GetGauge("tallybus_client_connections", "", {{"kind", kind}}).Value();
  }
  // Polls, for at most a minute.
  static bool Becomes(const std::function<bool()>& condition) {
    for (int i = 0; i < 12'000 && !condition(); ++i) poll(nullptr, 0, 5);
    return condition();
  }
  static std::string Watch(const std::string& session, const std::string& more = "") {
    return Frame(R"({"message":"Watch","data":[{"session":")" + session + R"("}])" + more + "}");
  }
  static std::string Event(uint64_t sequence, uint64_t number, const std::string& json) {
    return R"({"sequence":)" + std::to_string(sequence) +
           R"(,"message":"StreamStatusEvent","id":"0000000000000001-)" + std::to_string(number) +
           R"(","time":"1970-01-01T00:00:00.000Z","data":[)" + json + "]}";
  }

  SystemClock clock_;
  Metrics metrics_;
  ClientGateway::Options options_;
  std::vector<std::string> live_;
  bool answers_ = true;  // before Start
  AnsweringRouter backend_;
  std::unique_ptr<ClientGateway> gateway_;
  std::unique_ptr<WebServer> server_;

 private:
  std::mutex router_;  // in the place of the router's one thread
  uint64_t events_ = 0;
  std::vector<std::string> asked_;
};

inline constexpr char kNothingLives[] = R"({"sequence":0,"message":"Snapshot","data":[]})";

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_GATEWAY_BENCH_H_
