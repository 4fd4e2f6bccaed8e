// Looks at each request before its handler does.
#include "transports/web/api_access.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "transports/web/answers.h"
#include "transports/web/client_access.h"

namespace tallybus {
namespace {

constexpr char kRefusedHelp[] = "Questions to the read API that were refused";

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest DigestOf(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string_view BearerOf(const HttpRequest& request) {
  const std::string_view header = request.Header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  const bool bearer =
      absl::StartsWithIgnoreCase({header.data(), header.size()}, {kBearer.data(), kBearer.size()});
  return bearer ? header.substr(kBearer.size()) : std::string_view();
}

bool IsForwarded(const HttpRequest& request) {
  for (const char* name : {"forwarded", "via", "x-forwarded-for", "x-forwarded-host",
                           "x-forwarded-proto", "x-real-ip"}) {
    if (!request.Header(name).empty()) return true;
  }
  return false;
}

class Door {
 public:
  Door(ApiAccess access, Metrics& metrics)
      : token_(DigestOf(access.token)),
        asks_token_(!access.token.empty()),
        hosts_({.allowed_origins = {}, .allowed_hosts = std::move(access.own_hosts)}),
        metrics_(metrics) {}

  // nullopt: it may ask.
  std::optional<HttpAnswer> Refuse(const HttpRequest& request) const {
    if (asks_token_) {
      // Digests are of one size: the time says nothing of the length either.
      const Digest shown = DigestOf(BearerOf(request));
      if (CRYPTO_memcmp(shown.data(), token_.data(), token_.size()) == 0) return std::nullopt;
      return Refused("token", Unauthorized("show the secret of api.token_file: "
                                           "Authorization: Bearer ..."));
    }
    if (!hosts_.HostAllowed(request)) {
      return Refused("host", TextAnswer(403,
                                        "asked for by a name that is not loopback's; set "
                                        "api.token_file"));
    }
    if (IsForwarded(request)) {
      return Refused("forwarded", TextAnswer(403, "a proxy forwarded this; set api.token_file"));
    }
    return std::nullopt;
  }

 private:
  HttpAnswer Refused(const char* reason, HttpAnswer answer) const {
    metrics_.GetCounter("tallybus_api_refused_total", kRefusedHelp, {{"reason", reason}}).Add();
    return answer;
  }

  const Digest token_;
  const bool asks_token_;
  const ClientAccess hosts_;
  Metrics& metrics_;
};

}  // namespace

std::vector<WebRoute> ForThoseWhoMayAsk(ApiAccess access, std::vector<WebRoute> routes,
                                        Metrics& metrics) {
  const auto door = std::make_shared<const Door>(std::move(access), metrics);
  for (WebRoute& route : routes) {
    route.async_handler = [door, inner = std::move(route.async_handler)](
                              const HttpRequest& request, const HttpServer::Answer& answer) {
      if (std::optional<HttpAnswer> refusal = door->Refuse(request)) return answer(*refusal);
      inner(request, answer);
    };
  }
  return routes;
}

}  // namespace tallybus
