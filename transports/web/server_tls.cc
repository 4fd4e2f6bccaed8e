// The server's thread has all signals blocked, SIGPIPE too: OpenSSL may write to a socket whose
// peer is gone.
#include "transports/web/server_tls.h"

#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tallybus {
namespace {

// Nobody is there to type a pass phrase.
int NoPassPhrase(char*, int, int, void*) { return 0; }

absl::Status Wrong(const char* key, const std::string& file, const char* what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(key, ": ", file, " ", what));
}

// A handshake costs what it must; sessions to resume would be kept for clients that do not come.
void SetUp(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, NoPassPhrase);
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeContext(const std::string& cert_file,
                                                     const std::string& key_file) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return absl::ResourceExhaustedError("no memory for TLS");
  SetUp(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) != 1) {
    return Wrong("cert_file", cert_file, "cannot be read as a certificate in PEM");
  }
  // OpenSSL refuses here a key that is another certificate's.
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Wrong("key_file", key_file,
                 "cannot be read as the certificate's private key in PEM, unencrypted");
  }
  return context;
}

int Length(size_t size) {
  return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsSession::Step TlsSession::StepOf(int result) {
  if (result > 0) return {Step::Result::kDone, static_cast<size_t>(result)};
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Step::Result::kWaitToRead};
    case SSL_ERROR_WANT_WRITE:
      return {Step::Result::kWaitToWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Step::Result::kEnd};
    default:
      return {Step::Result::kFailed};
  }
}

TlsSession::Step TlsSession::Handshake() { return StepOf(SSL_accept(ssl_.get())); }

TlsSession::Step TlsSession::Read(void* data, size_t size) {
  return StepOf(SSL_read(ssl_.get(), data, Length(size)));
}

TlsSession::Step TlsSession::Write(const void* data, size_t size) {
  if (size == 0) return {Step::Result::kDone};
  return StepOf(SSL_write(ssl_.get(), data, Length(size)));
}

void TlsSession::SayEnd() {
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

absl::StatusOr<std::shared_ptr<ServerTls>> ServerTls::Load(std::string cert_file,
                                                           std::string key_file) {
  std::shared_ptr<ServerTls> tls(new ServerTls(std::move(cert_file), std::move(key_file)));
  if (absl::Status status = tls->Reload(); !status.ok()) return status;
  return tls;
}

absl::Status ServerTls::Reload() {
  auto context = MakeContext(cert_file_, key_file_);
  if (!context.ok()) return context.status();
  std::lock_guard lock(mutex_);
  context_ = *std::move(context);
  return absl::OkStatus();
}

std::unique_ptr<TlsSession> ServerTls::NewSession(int descriptor) const {
  SSL* ssl = nullptr;
  {
    std::lock_guard lock(mutex_);
    ssl = SSL_new(context_.get());  // which keeps the context
  }
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsSession> session(new TlsSession(ssl));
  return SSL_set_fd(ssl, descriptor) == 1 ? std::move(session) : nullptr;
}

}  // namespace tallybus
