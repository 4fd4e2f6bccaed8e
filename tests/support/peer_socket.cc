// recv and send, or OpenSSL's own.
#include "tests/support/peer_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "tests/support/tls_identity.h"

namespace tallybus::testing {

void PeerSocket::Free::operator()(ssl_st* tls) const { SSL_free(tls); }

PeerSocket::PeerSocket(int fd, const TlsIdentity* tls)
    : fd_(fd), tls_(tls == nullptr ? nullptr : SSL_new(tls->context())) {}

bool PeerSocket::Begin() {
  if (!tls_) return true;
  ERR_clear_error();
  return SSL_set_fd(tls_.get(), fd_) == 1 && SSL_accept(tls_.get()) == 1;
}

size_t PeerSocket::Receive(char* buffer, size_t size) {
  if (tls_) {
    ERR_clear_error();
    size_t got = 0;
    return SSL_read_ex(tls_.get(), buffer, size, &got) == 1 ? got : 0;
  }
  const ssize_t got = recv(fd_, buffer, size, 0);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

bool PeerSocket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t sent = 0;
    if (tls_) {
      ERR_clear_error();
      if (SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &sent) != 1) return false;
    } else {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent = static_cast<size_t>(n);
    }
    bytes.remove_prefix(sent);
  }
  return true;
}

void PeerSocket::EndSending() {
  EndTls();
  shutdown(fd_, SHUT_WR);
}

void PeerSocket::SendLast(std::string_view bytes) {
  const int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
  Send(bytes);
  EndSending();
}

void PeerSocket::EndTls() {
  if (tls_) SSL_shutdown(tls_.get());
}

}  // namespace tallybus::testing
