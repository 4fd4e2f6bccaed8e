// The addresses that the daemon may listen on: files and loopback, and for the web port others.
#include "listen_address.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <optional>

namespace tallybus::config {
namespace {

constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kUnix = "unix:";

// The loopback address in digits; nullopt: anything else.
std::optional<std::string> LoopbackHost(const std::string& host) {
  if (host == "localhost") return "127.0.0.1";
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) return host;
  in6_addr v6;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6)) return "::1";
  return std::nullopt;
}

std::optional<uint16_t> ParsePort(const std::string& text) {
  if (text == "*") return uint16_t{0};
  uint32_t port = 0;
  if (text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  if (!absl::SimpleAtoi(text, &port) || port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

bool IsAddress(const std::string& host) {
  in6_addr space;
  return inet_pton(AF_INET, host.c_str(), &space) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &space) == 1;
}

absl::StatusOr<SocketAddress> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  std::string host(text.substr(0, colon));
  if (colon == std::string_view::npos || host.empty()) {
    return absl::InvalidArgumentError("needs an address and a port, such as 127.0.0.1:5580");
  }
  const std::optional<uint16_t> port = ParsePort(std::string(text.substr(colon + 1)));
  if (!port) {
    return absl::InvalidArgumentError("the port must be from 0 to 65535; 0 or * is any free one");
  }
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string::npos) {
    return absl::InvalidArgumentError("an IPv6 address stands in brackets: [::1]:5580");
  }
  if (bracketed) host = host.substr(1, host.size() - 2);
  return SocketAddress{LoopbackHost(host).value_or(host), *port};
}

absl::Status CheckSocketPath(std::string_view path, const char* example) {
  if (!path.starts_with('/')) {
    return absl::InvalidArgumentError(absl::StrCat("needs an absolute path: ", example));
  }
  if (path.size() > kMaxIpcPath) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the path of a socket holds at most ", kMaxIpcPath, " bytes; this one has ", path.size()));
  }
  return absl::OkStatus();
}

}  // namespace

bool SocketAddress::IsLoopback() const { return LoopbackHost(host).has_value(); }

std::string SocketAddress::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]:" : ":", port);
}

absl::StatusOr<std::string> ParseBusEndpoint(std::string_view text) {
  if (text.starts_with(kIpc)) {
    absl::Status status =
        CheckSocketPath(text.substr(kIpc.size()), "ipc:///run/tallybus/engine.sock");
    if (!status.ok()) return status;
    return std::string(text);
  }
  if (!text.starts_with(kTcp)) {
    return absl::InvalidArgumentError("must begin with tcp:// or ipc://, or be off");
  }
  absl::StatusOr<SocketAddress> address = ParseHostPort(text.substr(kTcp.size()));
  if (!address.ok()) return address.status();
  if (!address->IsLoopback()) {
    return absl::UnimplementedError(
        "not in this version yet: buses beyond loopback need CURVE; bind 127.0.0.1 and lead others "
        "to it through a tunnel");
  }
  return std::string(kTcp) + address->ToString();
}

absl::StatusOr<SocketAddress> ParseWebAddress(std::string_view text) {
  if (text.find("://") != std::string_view::npos) {
    return absl::InvalidArgumentError("is an address and a port alone: 127.0.0.1:5580");
  }
  absl::StatusOr<SocketAddress> address = ParseHostPort(text);
  if (!address.ok() || IsAddress(address->host)) return address;
  return absl::InvalidArgumentError(
      "needs an address in digits, such as 127.0.0.1:5580, or 0.0.0.0:5580 for all of IPv4");
}

absl::StatusOr<std::string> ParseAdminAddress(std::string_view text) {
  if (!text.starts_with(kUnix)) {
    return absl::InvalidArgumentError(
        "must be unix:/path or off: whoever reaches the admin door may do everything, so it is a "
        "file with an owner");
  }
  absl::Status status = CheckSocketPath(text.substr(kUnix.size()), "unix:/run/tallybus/admin.sock");
  if (!status.ok()) return status;
  return std::string(text);
}

}  // namespace tallybus::config
