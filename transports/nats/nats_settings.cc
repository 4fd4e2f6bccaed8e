// Reading of an endpoint.
#include "transports/nats/nats_settings.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <string_view>
#include <utility>

#include "transports/parts/options.h"

namespace tallybus::nats {
namespace {

constexpr char kSubject[] = "subject";
constexpr char kUser[] = "user";
constexpr char kPassword[] = "password";
constexpr char kToken[] = "token";
constexpr char kCaFile[] = "tls.ca_file";
constexpr char kDefaultSubject[] = "tallybus.{app}.{method}.{lane}";

// What the server would refuse, or take for a pattern or for a subject of its own.
bool IsSubject(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.front() == '$' || text.back() == '.')
    return false;
  if (text.find("..") != text.npos) return false;
  for (char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '*' || c == '>') return false;
  }
  return true;
}

absl::StatusOr<parts::NameTemplate> SubjectOf(const Endpoint& endpoint) {
  auto subject = parts::NameTemplate::Parse(parts::TextOption(endpoint, kSubject, kDefaultSubject));
  if (!subject.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(kSubject, ": ", subject.status().message()));
  }
  if (IsSubject(subject->Sample())) return subject;
  return parts::WrongOption(kSubject, "must be tokens with dots between them, without wildcards");
}

// <nats or tls>://<host>[:<port>]
absl::Status ReadUrl(const std::string& url, NatsSettings* settings) {
  const absl::Status wrong =
      absl::InvalidArgumentError("url: must be nats://host:port or tls://host:port");
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return wrong;
  settings->tls = url.substr(0, scheme) == "tls";
  if (!settings->tls && url.substr(0, scheme) != "nats") return wrong;
  const std::string rest = url.substr(scheme + 3);
  if (rest.find('@') != rest.npos) {
    return absl::InvalidArgumentError("url: credentials do not belong in it, they are options");
  }
  settings->host = rest.substr(0, rest.rfind(':'));
  if (settings->host.empty() || rest.find_first_of("/?#, ") != rest.npos) return wrong;
  settings->url = url;
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionSpec> NatsOptions() {
  return {
      {kSubject, "subject of an event (tallybus.{app}.{method}.{lane})", OptionType::kText},
      {kUser, "name to connect under", OptionType::kText},
      {kPassword, "password of the user", OptionType::kSecret},
      {kToken, "token to connect with, instead of user and password", OptionType::kSecret},
      {kCaFile, "PEM file of the authorities to trust instead of the system's; asks for TLS",
       OptionType::kText},
  };
}

absl::StatusOr<NatsSettings> ReadSettings(const Endpoint& endpoint) {
  NatsSettings settings;
  if (absl::Status status = ReadUrl(endpoint.url, &settings); !status.ok()) return status;
  auto subject = SubjectOf(endpoint);
  if (!subject.ok()) return subject.status();
  settings.subject = *std::move(subject);
  settings.user = parts::TextOption(endpoint, kUser);
  settings.password = parts::TextOption(endpoint, kPassword);
  settings.token = parts::TextOption(endpoint, kToken);
  if (settings.user.empty() != settings.password.empty()) {
    return parts::WrongOption(kUser, "needs password, and password needs user");
  }
  if (!settings.user.empty() && !settings.token.empty()) {
    return parts::WrongOption(kToken, "and user exclude each other");
  }
  if (absl::Status status = parts::CheckAuthorities(endpoint, kCaFile); !status.ok()) return status;
  settings.ca_file = parts::TextOption(endpoint, kCaFile);
  settings.tls |= !settings.ca_file.empty();
  settings.timeout = endpoint.timeout;
  return settings;
}

}  // namespace tallybus::nats
