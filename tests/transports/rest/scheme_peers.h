// The peers of tests that run twice: with HTTP as it is, and by TLS.
#ifndef TALLYBUS_TESTS_TRANSPORTS_REST_SCHEME_PEERS_H_
#define TALLYBUS_TESTS_TRANSPORTS_REST_SCHEME_PEERS_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/conformance/transport_bench.h"
#include "tests/support/scripted_server.h"
#include "tests/support/tls_identity.h"

namespace tallybus::rest {

// By what a test's requests go. kTls: over our own connections; kTlsByLibcurl: as an endpoint that
// is not known yet, by libcurl's, which offer HTTP/2 (nobody takes it up here).
enum class Scheme { kPlain, kTls, kTlsByLibcurl };

inline std::string NameOf(Scheme scheme) {
  return scheme == Scheme::kPlain ? "Plain" : scheme == Scheme::kTls ? "Tls" : "TlsByLibcurl";
}
inline std::string SchemeName(const ::testing::TestParamInfo<Scheme>& info) {
  return NameOf(info.param);
}

// The peers of one test.
class SchemePeers {
 public:
  explicit SchemePeers(Scheme scheme) : scheme_(scheme) {
    if (scheme != Scheme::kPlain) identity_.emplace();
  }

  const testing::TlsIdentity* tls() const { return identity_ ? &*identity_ : nullptr; }
  std::string prefix() const { return identity_ ? "https://" : "http://"; }
  // An endpoint that trusts them; `rest` follows the scheme.
  Endpoint At(const std::string& rest, uint64_t id = 1) const {
    Endpoint endpoint = testing::EndpointAt(prefix() + rest, id);
    if (identity_) endpoint.options["tls.ca_file"] = identity_->ca_file();
    if (scheme_ == Scheme::kTls) endpoint.options["tls.http2"] = "false";
    return endpoint;
  }
  Endpoint Of(const testing::ScriptedServer& server, uint64_t id = 1,
              const std::string& path = "") const {
    return At("127.0.0.1:" + std::to_string(server.port()) + path, id);
  }

 private:
  const Scheme scheme_;
  std::optional<testing::TlsIdentity> identity_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_TESTS_TRANSPORTS_REST_SCHEME_PEERS_H_
