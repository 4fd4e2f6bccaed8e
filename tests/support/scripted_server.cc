// Threads, sockets and just enough of HTTP/1.1 to know where a request ends.
#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

namespace tallybus::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kTrickle = std::chrono::milliseconds(5);

void Require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

std::string Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return std::string(text);
}

HttpRequest ParseHead(std::string_view head) {
  HttpRequest request;
  size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const size_t first = line.find(' ');
  const size_t second = line.find(' ', first + 1);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  while (end != head.npos && end + 2 < head.size()) {
    const size_t start = end + 2;
    end = head.find("\r\n", start);
    const std::string_view field = head.substr(start, end - start);
    const size_t colon = field.find(':');
    if (colon == field.npos) continue;
    std::string name(field.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = Trimmed(field.substr(colon + 1));
  }
  return request;
}

// Reads requests one after the other from a connection.
class RequestReader {
 public:
  explicit RequestReader(PeerSocket& socket) : socket_(socket) {}

  std::optional<HttpRequest> NextHead() {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
      if (!ReadMore()) return std::nullopt;
    }
    HttpRequest request = ParseHead(std::string_view(buffer_).substr(0, end + 2));
    request.head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    return request;
  }

  bool ReadBody(HttpRequest* request) {
    const size_t length = std::strtoul(request->Header("content-length").c_str(), nullptr, 10);
    while (buffer_.size() < length) {
      if (!ReadMore()) return false;
    }
    request->body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return true;
  }

 private:
  bool ReadMore() {
    char bytes[65536];
    const size_t got = socket_.Receive(bytes, sizeof(bytes));
    buffer_.append(bytes, got);
    return got > 0;
  }

  PeerSocket& socket_;
  std::string buffer_;
};

}  // namespace

std::string HttpRequest::Header(const std::string& name) const {
  const auto header = headers.find(name);
  return header == headers.end() ? "" : header->second;
}

bool Connection::Send(std::string_view bytes) { return socket_.Send(bytes); }

bool Connection::Answer(int code, std::string_view phrase, std::string_view body,
                        std::string_view extra_headers) {
  std::string answer = "HTTP/1.1 " + std::to_string(code) + " ";
  answer.append(phrase).append("\r\nContent-Length: ").append(std::to_string(body.size()));
  answer.append("\r\n").append(extra_headers).append("\r\n").append(body);
  return Send(answer);
}

void Connection::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  open_ = false;
  reset_ = true;
}

void Connection::WaitUntilClosed() {
  char bytes[4096];
  while (socket_.Receive(bytes, sizeof(bytes)) > 0) {
  }
  open_ = false;
}

bool Connection::Pause(std::chrono::milliseconds pause) {
  pollfd readable{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
  return poll(&readable, 1, static_cast<int>(pause.count())) == 0;
}

Script AnswerWith(int code, std::string phrase, std::string body, std::string extra_headers) {
  return [=](const HttpRequest&, Connection& c) { c.Answer(code, phrase, body, extra_headers); };
}

Script NeverAnswer() {
  return [](const HttpRequest&, Connection& c) { c.WaitUntilClosed(); };
}

Script ResetConnection() {
  return [](const HttpRequest&, Connection& c) { c.Reset(); };
}

Script CloseWithoutAnswer() {
  return [](const HttpRequest&, Connection& c) { c.Close(); };
}

Script SendForEver() {
  return [](const HttpRequest&, Connection& c) {
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (c.Send(std::string(65536, 'x'))) {
    }
    c.Close();
  };
}

Script TrickleForEver() {
  return [](const HttpRequest&, Connection& c) {
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (c.Send("x") && c.Pause(kTrickle)) {
    }
    c.Close();
  };
}

Script SendBody(size_t bytes) {
  return [=](const HttpRequest&, Connection& c) { c.Answer(200, "OK", std::string(bytes, 'x')); };
}

Script CloseInTheMiddle() {
  return [](const HttpRequest&, Connection& c) {
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    c.Close();
  };
}

int BindLoopback(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Require(fd >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  Require(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  Require(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  *port = ntohs(address.sin_port);
  return fd;
}

int ReserveLoopback(int* port) {
  const int fd = BindLoopback(port);
  const int one = 1;
  Require(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0, "SO_REUSEADDR");
  return fd;
}

ScriptedServer::ScriptedServer(Script script, Manner manner)
    : script_(std::move(script)), manner_(std::move(manner)) {
  listener_ = BindLoopback(&port_);
  if (const int bytes = manner_.receive_buffer; bytes > 0) {
    setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  Require(listen(listener_, 1024) == 0, "listen");
  acceptor_ = std::thread([this] { AcceptAll(); });
}

ScriptedServer::~ScriptedServer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);  // ends accept()
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

std::string ScriptedServer::Url(const std::string& path) const {
  return (manner_.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + path;
}

std::vector<HttpRequest> ScriptedServer::Requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

int ScriptedServer::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

bool ScriptedServer::WaitForRequests(size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
}

bool ScriptedServer::WaitForConnections(int count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return connections_ >= count; });
}

void ScriptedServer::AcceptAll() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard lock(mutex_);
    if (ending_ || socket < 0) {
      if (socket >= 0) close(socket);
      return;
    }
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket, number = ++connections_] { Serve(socket, number); });
    changed_.notify_all();
  }
}

void ScriptedServer::Serve(int socket, int number) {
  sigset_t pipe;  // OpenSSL writes without MSG_NOSIGNAL
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  PeerSocket peer(socket, manner_.tls);
  if (peer.Begin()) ServeRequests(peer, number);
  Finish(socket);
}

void ScriptedServer::ServeRequests(PeerSocket& peer, int number) {
  if (script_ == nullptr) {
    pollfd hung_up{.fd = peer.fd(), .events = POLLRDHUP, .revents = 0};
    poll(&hung_up, 1, -1);
    return;
  }
  Connection connection(peer);
  RequestReader reader(peer);
  for (int count = 1; connection.open(); ++count) {
    auto request = reader.NextHead();
    if (!request) break;
    request->connection = number;
    request->number_on_connection = count;
    if (manner_.on_head != nullptr) manner_.on_head(*request, connection);
    if (!connection.open() || !reader.ReadBody(&*request)) break;
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    changed_.notify_all();
    script_(*request, connection);
  }
  if (!connection.reset_) peer.EndTls();
}

void ScriptedServer::Finish(int socket) {
  std::lock_guard lock(mutex_);
  std::erase(sockets_, socket);
  close(socket);
}

RefusingPort::RefusingPort() { socket_ = BindLoopback(&port_); }

RefusingPort::~RefusingPort() { close(socket_); }

}  // namespace tallybus::testing
