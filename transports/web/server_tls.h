// TLS of the web port: the certificate that it shows, and one connection's part of it. OpenSSL
// stays in the .cc file.
#ifndef TALLYBUS_TRANSPORTS_WEB_SERVER_TLS_H_
#define TALLYBUS_TRANSPORTS_WEB_SERVER_TLS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace tallybus {

// [server thread] Over a socket that does not block. It keeps no buffer of its own while nothing is
// on its way.
class TlsSession {
 public:
  // What came of one try.
  struct Step {
    enum class Result { kDone, kWaitToRead, kWaitToWrite, kEnd, kFailed };
    Result result = Result::kFailed;
    size_t bytes = 0;  // of kDone
  };

  Step Handshake();
  Step Read(void* data, size_t size);
  // A try that had to wait is made again with the same bytes, wherever they are then.
  Step Write(const void* data, size_t size);
  // Tells the peer that nothing more comes, where that needs no waiting.
  void SayEnd();

 private:
  friend class ServerTls;
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  explicit TlsSession(ssl_st* ssl) : ssl_(ssl) {}
  Step StepOf(int result);

  std::unique_ptr<ssl_st, Free> ssl_;
};

// [any thread]
class ServerTls {
 public:
  // TLS 1.2 or later. `cert_file`: PEM, the certificate first and then its chain; `key_file`: PEM,
  // not encrypted. INVALID_ARGUMENT: "cert_file: <path> …" or "key_file: <path> …", what is wrong.
  static absl::StatusOr<std::shared_ptr<ServerTls>> Load(std::string cert_file,
                                                         std::string key_file);

  // Reads both again, for connections from now on; those that are there go on as they are. Errors
  // as Load, and nothing changes.
  absl::Status Reload();
  // Over this descriptor, which outlives it. Null: no memory.
  std::unique_ptr<TlsSession> NewSession(int descriptor) const;

 private:
  ServerTls(std::string cert_file, std::string key_file)
      : cert_file_(std::move(cert_file)), key_file_(std::move(key_file)) {}

  const std::string cert_file_;
  const std::string key_file_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_SERVER_TLS_H_
