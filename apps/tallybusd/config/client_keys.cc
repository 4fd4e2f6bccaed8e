// The keys below `clients` of the configuration file.
#include "client_keys.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tallybus::config {
namespace {

constexpr int64_t kKiB = 1 << 10;
constexpr int64_t kGiB = 1 << 30;
constexpr int64_t kMostClients = 1'000'000;
constexpr int64_t kMostEvents = 1'000'000;

constexpr size_t kMostKeys = 8;

constexpr Choice<ClientsAuth> kAuths[] = {
    {"none", ClientsAuth::kNone}, {"token", ClientsAuth::kToken}, {"connect", std::nullopt}};

std::string_view WrongFile(const std::string& path) {
  return path.starts_with('/') ? "" : "must be an absolute path of a file";
}

// One path, or a list while keys are changed.
absl::Status ReadFiles(const Value& value, std::vector<std::string>& out) {
  if (value.IsList()) {
    absl::Status status = Store(value.Texts(WrongFile), out);
    if (status.ok() && (out.empty() || out.size() > kMostKeys)) {
      return value.Error(absl::StrCat("must list 1 to ", kMostKeys, " files"));
    }
    return status;
  }
  absl::StatusOr<std::string> path = value.Text();
  if (!path.ok()) return path.status();
  if (const std::string_view wrong = WrongFile(*path); !wrong.empty()) return value.Error(wrong);
  out = {*std::move(path)};
  return absl::OkStatus();
}

constexpr Key<TokenKeys> kTokenKeys[] = {
    {"hs256_secret_file",
     [](const Value& v, TokenKeys& out) { return ReadFiles(v, out.hs256_secret_files); }},
    {"ed25519_key_file",
     [](const Value& v, TokenKeys& out) { return ReadFiles(v, out.ed25519_key_files); }},
};

bool IsHostChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("-._:[]").find(c) != std::string_view::npos;
}

bool IsHost(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), IsHostChar);
}

std::string_view WrongHost(const std::string& text) {
  return IsHost(text) ? "" : "is no host, or host:port; for example media.example.org";
}

// As a browser writes it: without a path, so without a final slash too.
std::string_view WrongOrigin(const std::string& text) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme) && IsHost(std::string_view(text).substr(scheme.size()))) return "";
  }
  return "is no origin; for example https://media.example.org, without a final slash";
}

constexpr Key<Clients> kClientKeys[] = {
    {"auth", [](const Value& v,
                Clients& out) { return Store(ReadChoice<ClientsAuth>(v, kAuths), out.auth); }},
    {"token",
     [](const Value& v, Clients& out) { return ReadKeys<TokenKeys>(v, kTokenKeys, out.token); }},
    {"max",
     [](const Value& v, Clients& out) { return Store(v.Integer(1, kMostClients), out.most); }},
    {"queue_events",
     [](const Value& v, Clients& out) {
       return Store(v.Integer(1, kMostEvents), out.queue_events);
     }},
    {"queue_bytes",
     [](const Value& v, Clients& out) { return Store(v.Size(kKiB, kGiB), out.queue_bytes); }},
    {"replay_events",
     [](const Value& v, Clients& out) {
       return Store(v.Integer(0, kMostEvents), out.replay_events);
     }},
    {"replay_bytes",
     [](const Value& v, Clients& out) { return Store(v.Size(kKiB, kGiB), out.replay_bytes); }},
    {"allowed_origins",
     [](const Value& v, Clients& out) { return Store(v.Texts(WrongOrigin), out.allowed_origins); }},
    {"allowed_hosts",
     [](const Value& v, Clients& out) { return Store(v.Texts(WrongHost), out.allowed_hosts); }},
};

absl::Status Wrong(std::string_view message) {
  return absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
}

}  // namespace

absl::Status ReadClients(const Value& clients, Clients& out) {
  return ReadKeys<Clients>(clients, kClientKeys, out);
}

absl::Status CheckClients(const Clients& clients, const Listen& listen) {
  const bool tokens = clients.auth == ClientsAuth::kToken;
  if (tokens && clients.token.empty()) {
    return Wrong(
        "clients.auth: token needs a key to check tokens with: set clients.token.hs256_secret_file "
        "or clients.token.ed25519_key_file");
  }
  if (!tokens && !clients.token.empty()) {
    return Wrong(
        "clients.token has keys, and nobody is asked for a token: set clients.auth: token");
  }
  if (clients.auth != ClientsAuth::kNone || !listen.web || listen.web->IsLoopback()) {
    return absl::OkStatus();
  }
  return Wrong(absl::StrCat("clients.auth: none lets everybody watch who reaches listen.web, and ",
                            listen.web->ToString(),
                            " is not on loopback; set clients.auth: token, or set "
                            "listen.web to 127.0.0.1 or [::1]"));
}

}  // namespace tallybus::config
