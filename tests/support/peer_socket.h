// A server's end of one connection, with TLS or without.
#ifndef TALLYBUS_TESTS_SUPPORT_PEER_SOCKET_H_
#define TALLYBUS_TESTS_SUPPORT_PEER_SOCKET_H_

#include <cstddef>
#include <memory>
#include <string_view>

struct ssl_st;

namespace tallybus::testing {

class TlsIdentity;

// Blocks. One thread uses it, which has SIGPIPE blocked; shutdown(fd) from another one ends what it
// waits for.
class PeerSocket {
 public:
  // Leaves `fd` open at its end. Without TLS where `tls` is null, else `tls` outlives it.
  PeerSocket(int fd, const TlsIdentity* tls);

  bool Begin();  // the handshake
  // How many bytes; 0 where the peer has ended, by whatever means.
  size_t Receive(char* buffer, size_t size);
  // False where the peer does not take it any more.
  bool Send(std::string_view bytes);
  void EndSending();  // properly: the peer reads an end
  // The same, after these bytes and in one segment with them: who reads them has the end too.
  void SendLast(std::string_view bytes);
  void EndTls();  // properly, for TLS alone
  int fd() const { return fd_; }

 private:
  struct Free {
    void operator()(ssl_st* tls) const;
  };
  const int fd_;
  std::unique_ptr<ssl_st, Free> tls_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_PEER_SOCKET_H_
