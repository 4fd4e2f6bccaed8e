// Compares names as browsers send them: lower case, a port where it is not the scheme's own.
#include "transports/web/client_access.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>

#include <algorithm>

namespace tallybus {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// "[::1]:5580" -> "[::1]"; a name without a port as it is.
std::string_view WithoutPort(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  if (bracket != std::string_view::npos && colon < bracket) return host;
  const std::string_view port = host.substr(colon + 1);
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  return digits ? host.substr(0, colon) : host;
}

bool IsLoopbackName(std::string_view host) {
  const absl::string_view name = View(WithoutPort(host));
  return absl::EqualsIgnoreCase(name, "localhost") || name == "127.0.0.1" || name == "[::1]";
}

size_t CountOf(const HttpRequest& request, std::string_view name) {
  return static_cast<size_t>(std::count_if(
      request.headers.begin(), request.headers.end(),
      [&](const auto& header) { return absl::EqualsIgnoreCase(header.first, View(name)); }));
}

}  // namespace

bool Lists(std::string_view header, std::string_view word) {
  for (absl::string_view item : absl::StrSplit(View(header), ',')) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(item), View(word))) return true;
  }
  return false;
}

std::string_view BearerToken(const HttpRequest& request) {
  const std::string_view header = request.Header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  const bool bearer = absl::StartsWithIgnoreCase(View(header), View(kBearer));
  return bearer ? header.substr(kBearer.size()) : std::string_view();
}

bool ClientAccess::HostAllowed(const HttpRequest& request) const {
  if (CountOf(request, "host") != 1) return false;
  const std::string_view host = request.Header("host");
  if (IsLoopbackName(host)) return true;
  return std::any_of(options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
                     [&](const std::string& allowed) {
                       return absl::EqualsIgnoreCase(View(host), allowed) ||
                              absl::EqualsIgnoreCase(View(WithoutPort(host)), allowed);
                     });
}

bool ClientAccess::OriginAllowed(const HttpRequest& request) const {
  const size_t count = CountOf(request, "origin");
  if (count == 0) return true;
  if (count > 1) return false;
  const std::string_view origin = request.Header("origin");
  const auto& allowed = options_.allowed_origins;
  if (std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
        return absl::EqualsIgnoreCase(View(origin), one);
      })) {
    return true;
  }
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos || !IsLoopbackName(origin.substr(scheme + 3))) return false;
  const absl::string_view name = View(origin.substr(0, scheme));
  return absl::EqualsIgnoreCase(name, "http") || absl::EqualsIgnoreCase(name, "https");
}

void ClientAccess::LetPageRead(const HttpRequest& request, HttpAnswer* answer) const {
  const std::string origin(request.Header("origin"));
  if (origin.empty() || !HostAllowed(request) || !OriginAllowed(request)) return;
  answer->headers.emplace_back("Access-Control-Allow-Origin", origin);
  answer->headers.emplace_back("Vary", "Origin");
}

}  // namespace tallybus
