// A TCP socket on loopback, and a file that is locked: what other programs have.
#ifndef TALLYBUS_TESTS_APPS_TALLYBUSD_CHECK_LOOPBACK_H_
#define TALLYBUS_TESTS_APPS_TALLYBUSD_CHECK_LOOPBACK_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace tallybus::check {

class Loopback {
 public:
  explicit Loopback(bool listens, int backlog = 16)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = At(0);
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (listens) listen(fd_, backlog);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Loopback() { close(fd_); }
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  // Without waiting for it.
  void ConnectTo(const Loopback& other) const {
    const sockaddr_in address = At(other.port());
    fcntl(fd_, F_SETFL, O_NONBLOCK);
    connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  uint16_t port() const { return port_; }
  std::string place() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static sockaddr_in At(uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  const int fd_;
  uint16_t port_ = 0;
};

class LockedFile {
 public:
  explicit LockedFile(const std::string& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    flock(fd_, LOCK_EX);
  }
  ~LockedFile() { close(fd_); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

 private:
  const int fd_;
};

}  // namespace tallybus::check

#endif  // TALLYBUS_TESTS_APPS_TALLYBUSD_CHECK_LOOPBACK_H_
