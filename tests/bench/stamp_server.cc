// A backend that costs next to nothing: answers each POST with 200, at once or after DELAY_MS, and
// notes how old its events were when the request had been read whole. Prints its port; GET /stats
// gives what was noted since the last one, GET /seen how many events: stamp_server [DELAY_MS |
// hang]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "tests/bench/samples.h"

namespace {

using tallybus::bench::ForEachStamp;
using tallybus::bench::NowNs;
using tallybus::bench::Samples;

constexpr int64_t kNever = -1;
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class StampServer {
 public:
  explicit StampServer(int64_t delay_ns) : delay_ns_(delay_ns) {}

  bool Listen();
  void Serve();

 private:
  struct Connection {
    uint64_t number = 0;  // a descriptor is used again
    std::string read;
    bool told_to_continue = false;
  };
  struct Owed {
    int64_t due;
    int fd;
    uint64_t number;
  };

  void Watch(int fd);
  void Accept();
  void Read(int fd);
  // The size of the first request; 0: it is not whole.
  static size_t WholeRequest(std::string_view read);
  void Continue(int fd, Connection* connection);
  void Take(int fd, std::string_view request);
  void Answer(int fd, std::string_view answer);
  void AnswerDue();
  std::string Stats();
  static std::string JsonAnswer(const std::string& body);
  void Drop(int fd);

  const int64_t delay_ns_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::map<int, Connection> connections_;
  std::deque<Owed> owed_;
  uint64_t last_number_ = 0;
  uint64_t requests_ = 0;
  size_t most_owed_ = 0;
  Samples ages_;
};

bool StampServer::Listen() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(listener_, any, size) != 0 || listen(listener_, 1024) != 0) return false;
  getsockname(listener_, any, &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  Watch(listener_);
  return true;
}

void StampServer::Watch(int fd) {
  epoll_event wanted = {};
  wanted.events = EPOLLIN;
  wanted.data.fd = fd;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
}

void StampServer::Serve() {
  epoll_event ready[256];
  for (;;) {
    timespec wait = {};
    if (!owed_.empty()) {
      const int64_t left = std::max<int64_t>(0, owed_.front().due - NowNs());
      wait = {left / 1'000'000'000, left % 1'000'000'000};
    }
    const int count = epoll_pwait2(epoll_, ready, 256, owed_.empty() ? nullptr : &wait, nullptr);
    for (int i = 0; i < count; ++i) {
      if (ready[i].data.fd == listener_) {
        Accept();
      } else {
        Read(ready[i].data.fd);
      }
    }
    AnswerDue();
  }
}

void StampServer::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd] = {++last_number_, {}};
    Watch(fd);
  }
}

void StampServer::Read(int fd) {
  char bytes[64 << 10];
  const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
  if (count <= 0) {
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) Drop(fd);
    return;
  }
  Connection& connection = connections_[fd];
  std::string& read = connection.read;
  read.append(bytes, static_cast<size_t>(count));
  while (const size_t size = WholeRequest(read)) {
    Take(fd, std::string_view(read).substr(0, size));
    read.erase(0, size);
    connection.told_to_continue = false;
  }
  Continue(fd, &connection);
}

// libcurl asks before a large body, and waits a second for who does not answer.
void StampServer::Continue(int fd, Connection* connection) {
  if (connection->told_to_continue || connection->read.empty()) return;
  const std::string_view read = connection->read;
  const size_t end = read.find("\r\n\r\n");
  if (end == std::string_view::npos) return;
  if (read.substr(0, end).find("\r\nExpect: 100-continue") == std::string_view::npos) return;
  connection->told_to_continue = true;
  Answer(fd, "HTTP/1.1 100 Continue\r\n\r\n");
}

size_t StampServer::WholeRequest(std::string_view read) {
  const size_t end = read.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const size_t at = read.substr(0, end).find(kLength);
  const size_t body = at == std::string_view::npos
                          ? 0
                          : std::strtoull(read.data() + at + kLength.size(), nullptr, 10);
  return read.size() < end + 4 + body ? 0 : end + 4 + body;
}

void StampServer::Take(int fd, std::string_view request) {
  if (request.starts_with("GET /stats ")) return Answer(fd, Stats());
  if (request.starts_with("GET /seen "))
    return Answer(fd, JsonAnswer(std::to_string(ages_.size())));
  const int64_t now = NowNs();
  ++requests_;
  ForEachStamp(request, [&](int64_t stamp) { ages_.Add(now - stamp); });
  if (delay_ns_ == 0) return Answer(fd, kOk);
  if (delay_ns_ == kNever) return;
  owed_.push_back({now + delay_ns_, fd, connections_[fd].number});
  most_owed_ = std::max(most_owed_, owed_.size());
}

// Short enough for the socket's buffer.
void StampServer::Answer(int fd, std::string_view answer) {
  (void)!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
}

void StampServer::AnswerDue() {
  const int64_t now = owed_.empty() ? 0 : NowNs();
  for (; !owed_.empty() && owed_.front().due <= now; owed_.pop_front()) {
    const auto found = connections_.find(owed_.front().fd);
    if (found == connections_.end() || found->second.number != owed_.front().number) continue;
    Answer(found->first, kOk);
  }
}

std::string StampServer::Stats() {
  const std::string body = "{\"requests\":" + std::to_string(requests_) +
                           ",\"open\":" + std::to_string(most_owed_) + ",\"age\":" + ages_.Json() +
                           "}";
  requests_ = most_owed_ = 0;
  ages_ = Samples();
  return JsonAnswer(body);
}

std::string StampServer::JsonAnswer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

void StampServer::Drop(int fd) {
  connections_.erase(fd);
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  int64_t delay_ns = 0;
  if (argc > 1) {
    delay_ns = std::strcmp(argv[1], "hang") == 0 ? kNever : std::atoll(argv[1]) * 1'000'000;
  }
  StampServer server(delay_ns);
  if (!server.Listen()) return 1;
  server.Serve();
}
