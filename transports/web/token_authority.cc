// `session` and `streams` grant each for itself; `app` bounds them, or grants by itself.
#include "transports/web/token_authority.h"

#include <string>
#include <utility>

namespace tallybus {
namespace {

WatchPermissionsPtr PermissionsOf(TokenClaims claims) {
  auto permissions = std::make_shared<WatchPermissions>();
  permissions->app = std::move(claims.app).value_or("");
  permissions->expires = claims.expires;
  if (!claims.session && claims.streams.empty()) return permissions;
  std::vector<WatchKey>& only = permissions->only.emplace();
  if (claims.session) only.push_back({WatchKey::Kind::kSession, *std::move(claims.session)});
  for (std::string& name : claims.streams) {
    only.push_back({WatchKey::Kind::kStream, std::move(name)});
  }
  return permissions;
}

}  // namespace

TokenAuthority::TokenAuthority(TokenVerifier keys, const Clock& clock, Metrics& metrics)
    : clock_(clock),
      metrics_(metrics),
      keys_(std::make_shared<const TokenVerifier>(std::move(keys))) {}

void TokenAuthority::SetKeys(TokenVerifier keys) {
  auto shared = std::make_shared<const TokenVerifier>(std::move(keys));
  std::lock_guard lock(mutex_);
  keys_ = std::move(shared);
}

std::shared_ptr<const TokenVerifier> TokenAuthority::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

absl::StatusOr<WatchPermissionsPtr> TokenAuthority::Authorize(std::string_view token) const {
  absl::StatusOr<TokenClaims> claims = keys()->Verify(token, clock_.WallNow());
  if (claims.ok()) return PermissionsOf(*std::move(claims));
  metrics_
      .GetCounter("tallybus_client_tokens_refused_total", "Tokens of web clients that do not count",
                  {{"reason", std::string(claims.status().message())}})
      .Add();
  return claims.status();
}

}  // namespace tallybus
