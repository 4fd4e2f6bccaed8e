// Who a test's TLS server is: a key and a certificate, made anew.
#ifndef TALLYBUS_TESTS_SUPPORT_TLS_IDENTITY_H_
#define TALLYBUS_TESTS_SUPPORT_TLS_IDENTITY_H_

#include <memory>
#include <string>

#include "tests/support/scratch_directory.h"

struct ssl_ctx_st;

namespace tallybus::testing {

// For 127.0.0.1, localhost and loopback.test; aborts where it cannot be made.
class TlsIdentity {
 public:
  TlsIdentity();

  // A PEM file of what a client must trust: the certificate signs itself.
  const std::string& ca_file() const { return ca_file_; }
  ssl_ctx_st* context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  const ScratchDirectory directory_;
  const std::string ca_file_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_TLS_IDENTITY_H_
