// clients.auth: token. What a token's claims allow to watch, by keys that may change meanwhile.
#ifndef TALLYBUS_TRANSPORTS_WEB_TOKEN_AUTHORITY_H_
#define TALLYBUS_TRANSPORTS_WEB_TOKEN_AUTHORITY_H_

#include <absl/status/statusor.h>

#include <memory>
#include <mutex>
#include <string_view>

#include "tallybus/clock.h"
#include "tallybus/metrics.h"
#include "transports/web/token.h"
#include "transports/web/watch_permissions.h"

namespace tallybus {

// [any thread] Never blocks for long.
class TokenAuthority {
 public:
  // `clock` and `metrics` outlive it.
  TokenAuthority(TokenVerifier keys, const Clock& clock, Metrics& metrics);

  // From now on. Who was let in by a key that is gone stays until its token expires.
  void SetKeys(TokenVerifier keys);
  // UNAUTHENTICATED: the text is for the client, and what it is counted under; no byte of the token
  // is in it.
  absl::StatusOr<WatchPermissionsPtr> Authorize(std::string_view token) const;

 private:
  std::shared_ptr<const TokenVerifier> keys() const;

  const Clock& clock_;
  Metrics& metrics_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TokenVerifier> keys_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_TOKEN_AUTHORITY_H_
