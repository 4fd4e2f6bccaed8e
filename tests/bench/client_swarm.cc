// Many WebSocket clients in one process, and how long what is told takes to reach them:
//   client_swarm COUNT ROUNDS HOST:PORT            of beast_floor: echoes, and messages to all
//   client_swarm COUNT ROUNDS HOST:PORT OPEN_BUS   of tallybusd: events of one session, and of one
//                                                  stream that all watch
// Prints "ready" when all are connected, waits for a line, and prints one JSON object.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "tests/bench/samples.h"

namespace {

using tallybus::bench::NowNs;
using tallybus::bench::Samples;

constexpr int kSinglesARound = 200;
constexpr int64_t kPatienceNs = 30'000'000'000;
constexpr int64_t kPauseNs = 2'000'000;  // between two single deliveries

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "client_swarm: %s\n", why.c_str());
  std::exit(1);
}

// A frame of a client, with a mask of zeros.
std::string Frame(uint8_t opcode, const std::string& text) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  if (text.size() < 126) {
    frame += static_cast<char>(0x80 | text.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(text.size() >> 8);
    frame += static_cast<char>(text.size() & 0xff);
  }
  return frame + std::string(4, '\0') + text;
}

struct Client {
  int fd = -1;
  bool open = false;  // the handshake is done
  std::string in;
  int frames = 0;  // with text, since they were counted last
};

class Swarm {
 public:
  Swarm(size_t count, const sockaddr_in& server) : clients_(count), server_(server) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
  }

  // `watches`: each is sent a snapshot first.
  void Connect(bool watches) {
    for (size_t i = 0; i < clients_.size(); ++i) {
      ConnectOne(i, watches ? "/clients?stream=all&session=s" + std::to_string(i) : "/");
      if (i % 64 == 63 || i + 1 == clients_.size()) {
        Await([&] { return open_ == i + 1 && (!watches || frames_ == i + 1); }, "the handshakes");
      }
    }
    Forget();
  }

  void Send(size_t client, const std::string& text) {
    const std::string frame = Frame(1, text);
    if (send(clients_[client].fd, frame.data(), frame.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(frame.size())) {
      Fail("a message did not leave");
    }
  }

  void AwaitOne(size_t client) {
    Await([&] { return clients_[client].frames > 0; }, "one message");
    frames_ -= static_cast<size_t>(std::exchange(clients_[client].frames, 0));
  }
  void AwaitAll() {
    Await([&] { return frames_ == clients_.size(); }, "a message to all");
    Forget();
  }
  size_t size() const { return clients_.size(); }

 private:
  template <typename Done>
  void Await(Done done, const char* what) {
    const int64_t until = NowNs() + kPatienceNs;
    epoll_event events[512];
    while (!done()) {
      if (NowNs() > until) Fail(std::string(what) + " took over 30 s");
      const int ready = epoll_wait(epoll_, events, 512, 1000);
      for (int i = 0; i < ready; ++i) Read(clients_[events[i].data.u64]);
    }
  }

  void Forget() {
    frames_ = 0;
    for (Client& client : clients_) client.frames = 0;
  }

  void ConnectOne(size_t index, const std::string& target) {
    Client& client = clients_[index];
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* address = reinterpret_cast<const sockaddr*>(&server_);
    if (client.fd < 0 || connect(client.fd, address, sizeof(server_)) != 0) {
      Fail("cannot connect: " + std::string(std::strerror(errno)));
    }
    const int on = 1;
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event{EPOLLIN, {.u64 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event);
    const std::string hello = "GET " + target +
                              " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (send(client.fd, hello.data(), hello.size(), MSG_NOSIGNAL) < 0) Fail("cannot send");
  }

  void Read(Client& client) {
    char buffer[16384];
    const ssize_t got = recv(client.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got == 0) Fail("the server closed a connection");
    if (got < 0) return;
    client.in.append(buffer, static_cast<size_t>(got));
    if (!client.open) {
      const size_t end = client.in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (client.in.compare(0, 12, "HTTP/1.1 101") != 0) Fail(client.in.substr(0, 200));
      client.in.erase(0, end + 4);
      client.open = true;
      ++open_;
    }
    while (TakeFrame(client)) {
    }
  }

  bool TakeFrame(Client& client) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(client.in[i]); };
    if (client.in.size() < 2) return false;
    size_t size = byte(1), head = 2;
    if (size == 127) Fail("a frame of over 64 KiB");
    if (size == 126) {
      if (client.in.size() < 4) return false;
      size = size_t{byte(2)} << 8 | byte(3);
      head = 4;
    }
    if (client.in.size() < head + size) return false;
    const int opcode = byte(0) & 0xf;
    if (opcode == 1) {
      ++client.frames;
      ++frames_;
    } else if (opcode == 9) {
      const std::string pong = Frame(10, client.in.substr(head, size));
      (void)!send(client.fd, pong.data(), pong.size(), MSG_NOSIGNAL);
    } else {
      Fail("a frame of another kind");
    }
    client.in.erase(0, head + size);
    if (client.in.empty()) client.in.shrink_to_fit();
    return true;
  }

  std::vector<Client> clients_;
  const sockaddr_in server_;
  int epoll_ = -1;
  size_t open_ = 0, frames_ = 0;
};

std::string Event(const std::string& session, const std::string& name) {
  return R"({"appKey":"defaultApp","sessionId":")" + session + R"(","mediaSessionId":"m-)" +
         session + R"(","name":")" + name +
         R"(","published":true,"hasVideo":true,"hasAudio":true,"status":"PUBLISHING",)"
         R"("sdp":".....","record":false,"width":1280,"height":720,"bitrate":1500000,"quality":0,)"
         R"("mediaProvider":"WebRTC","info":"an event of about the size that engines send"})";
}

// What makes the server tell one client, or all.
class Teller {
 public:
  explicit Teller(Swarm* swarm, const char* open_bus) : swarm_(swarm) {
    if (open_bus == nullptr) return;
    bus_.emplace(context_, zmq::socket_type::push);
    bus_->connect(open_bus);
  }

  void One(size_t client) {
    const std::string event = Event("s" + std::to_string(client), "one");
    bus_ ? Publish(event) : swarm_->Send(client, event);
  }
  void All() {
    const std::string event = Event("publisher", "all");
    bus_ ? Publish(event) : swarm_->Send(0, "*" + event);
  }

 private:
  void Publish(const std::string& event) {
    bus_->send(zmq::str_buffer("StreamStatusEvent"), zmq::send_flags::sndmore);
    bus_->send(zmq::buffer(event), zmq::send_flags::none);
  }

  Swarm* const swarm_;
  zmq::context_t context_;
  std::optional<zmq::socket_t> bus_;
};

sockaddr_in AddressOf(const std::string& text) {
  sockaddr_in address{};
  const size_t colon = text.rfind(':');
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(text.c_str() + colon + 1)));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    Fail("no address: " + text);
  }
  return address;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) Fail("usage: client_swarm COUNT ROUNDS HOST:PORT [OPEN_BUS]");
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const size_t count = std::strtoull(argv[1], nullptr, 10);
  const int rounds = std::atoi(argv[2]);
  if (files.rlim_cur < count + 64) Fail("may not open so many files: raise ulimit -n");
  Swarm swarm(count, AddressOf(argv[3]));
  const char* open_bus = argc == 5 ? argv[4] : nullptr;
  swarm.Connect(open_bus != nullptr);
  Teller teller(&swarm, open_bus);
  std::puts("ready");
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  Samples single, all;
  for (int round = 0; round <= rounds; ++round) {
    for (int i = 0; i < kSinglesARound; ++i) {
      const size_t client = (static_cast<size_t>(i) * 7919 + 1) % count;
      const int64_t began = NowNs();
      teller.One(client);
      swarm.AwaitOne(client);
      const int64_t ended = NowNs();
      if (round > 0) single.Add(ended - began);  // the first one warms up
      tallybus::bench::SleepUntilNs(ended + kPauseNs);
    }
    const int64_t began = NowNs();
    teller.All();
    swarm.AwaitAll();
    if (round > 0) all.Add(NowNs() - began);
  }
  std::printf("{\"single\":%s,\"all\":%s}\n", single.Json().c_str(), all.Json().c_str());
  return 0;
}
