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

enum class Scheme { kPlain, kTls };

inline std::string NameOf(Scheme scheme) { return scheme == Scheme::kTls ? "Tls" : "Plain"; }
inline std::string SchemeName(const ::testing::TestParamInfo<Scheme>& info) {
  return NameOf(info.param);
}

// The peers of one test.
class SchemePeers {
 public:
  explicit SchemePeers(Scheme scheme) {
    if (scheme == Scheme::kTls) identity_.emplace();
  }

  const testing::TlsIdentity* tls() const { return identity_ ? &*identity_ : nullptr; }
  std::string prefix() const { return identity_ ? "https://" : "http://"; }
  // An endpoint that trusts them; `rest` follows the scheme.
  Endpoint At(const std::string& rest, uint64_t id = 1) const {
    Endpoint endpoint = testing::EndpointAt(prefix() + rest, id);
    if (identity_) endpoint.options["tls.ca_file"] = identity_->ca_file();
    return endpoint;
  }
  Endpoint Of(const testing::ScriptedServer& server, uint64_t id = 1,
              const std::string& path = "") const {
    return At("127.0.0.1:" + std::to_string(server.port()) + path, id);
  }

 private:
  std::optional<testing::TlsIdentity> identity_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_TESTS_TRANSPORTS_REST_SCHEME_PEERS_H_
