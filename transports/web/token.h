// What a client may listen to, as a signed token says: a JSON Web Token (RFC 7519) as a compact JWS
// (RFC 7515) under HS256 or EdDSA with Ed25519 (RFC 8037).
#ifndef TALLYBUS_TRANSPORTS_WEB_TOKEN_H_
#define TALLYBUS_TRANSPORTS_WEB_TOKEN_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus {

// `session` and `streams` grant each for itself; `app` bounds them, and grants all of it where it
// stands alone.
struct TokenClaims {
  std::optional<std::string> session;
  std::optional<std::string> app;
  std::vector<std::string> streams;  // names; empty: none is granted
  absl::Time expires;
};

// Immutable once made. [any thread]
class TokenVerifier {
 public:
  // At least one. A token counts where one of those of its algorithm signed it: a key is changed
  // by adding the new one, and taking the old one away once its tokens have expired.
  struct Keys {
    std::vector<std::string> hs256_secrets = {};  // raw bytes, 32 to 4,096
    std::vector<std::string> ed25519_pems = {};   // public keys, "-----BEGIN PUBLIC KEY-----"
  };
  static constexpr size_t kMaxTokenBytes = 8192;

  // INVALID_ARGUMENT: what is wrong with which key; no byte of it is told.
  static absl::StatusOr<TokenVerifier> Make(const Keys& keys);
  TokenVerifier(TokenVerifier&&) noexcept;
  TokenVerifier& operator=(TokenVerifier&&) noexcept;
  ~TokenVerifier();

  // UNAUTHENTICATED: one of a few fixed texts, fit for the client and for a counter's label; no
  // byte of the token is in it. The signature is compared in constant time. A token counts up to
  // its `exp`, which it must have, and from its `nbf` on, if it has one.
  absl::StatusOr<TokenClaims> Verify(std::string_view token, absl::Time now) const;

 private:
  struct Inside;
  explicit TokenVerifier(std::unique_ptr<Inside> inside);
  bool IsSigned(std::string_view algorithm, std::string_view input,
                std::string_view signature) const;

  std::unique_ptr<Inside> inside_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_TOKEN_H_
