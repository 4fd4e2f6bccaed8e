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

// "none" alone in this version.
constexpr Choice<ClientsAuth> kAuths[] = {
    {"none", ClientsAuth::kNone}, {"token", std::nullopt}, {"connect", std::nullopt}};

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
    {"ping_interval",
     [](const Value& v, Clients& out) {
       return Store(v.Duration(absl::Seconds(1), absl::Seconds(30)), out.ping_interval);
     }},
    {"allowed_origins",
     [](const Value& v, Clients& out) { return Store(v.Texts(WrongOrigin), out.allowed_origins); }},
    {"allowed_hosts",
     [](const Value& v, Clients& out) { return Store(v.Texts(WrongHost), out.allowed_hosts); }},
};

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

}  // namespace

absl::Status ReadClients(const Value& clients, Clients& out) {
  return ReadKeys<Clients>(clients, kClientKeys, out);
}

absl::Status CheckClientsAuth(const Clients& clients, const Listen& listen) {
  if (clients.auth != ClientsAuth::kNone || !listen.web || IsLoopback(listen.web->host)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "clients.auth: none lets everybody watch who reaches listen.web, and ",
      listen.web->ToString(), " is not on loopback; set listen.web to 127.0.0.1 or [::1]"));
}

}  // namespace tallybus::config
