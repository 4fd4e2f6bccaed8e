// A real nginx on ports that the kernel chose, with certificates made for the occasion.
#ifndef TALLYBUS_TESTS_TRANSPORTS_REST_NGINX_SERVER_H_
#define TALLYBUS_TESTS_TRANSPORTS_REST_NGINX_SERVER_H_

#include <sys/types.h>

#include <string>

namespace tallybus::rest {

// Each answer's body is "<protocol> <connection> <request number on it>". The TLS server answers
// 404 below /missing, and below /unread without reading the body; all else it reads and relays. The
// certificate of both TLS servers is for the name localhost alone.
class NginxServer {
 public:
  NginxServer();
  ~NginxServer();
  NginxServer(const NginxServer&) = delete;
  NginxServer& operator=(const NginxServer&) = delete;

  int plain_port() const { return plain_port_; }
  int tls_port() const { return tls_port_; }        // speaks HTTP/2 by ALPN
  int mutual_port() const { return mutual_port_; }  // TLS that asks for a client's certificate
  // ca.pem, client.pem, client.key, stranger.pem (another authority)
  std::string File(const std::string& name) const { return directory_ + "/" + name; }

 private:
  void MakeCertificates();
  void WriteConfig();
  void Launch();

  std::string directory_;
  int sockets_[3];
  int plain_port_ = 0;
  int tls_port_ = 0;
  int mutual_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_TESTS_TRANSPORTS_REST_NGINX_SERVER_H_
