// A peer that several routes send to is tried once.
#include "apps/tallybusd/check/endpoint_check.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <vector>

#include "apps/tallybusd/check/folder.h"
#include "apps/tallybusd/check/peer.h"
#include "apps/tallybusd/check/reach.h"
#include "tallybus/counted.h"

namespace tallybus::check {
namespace {

constexpr char kFile[] = "file";

absl::Status CheckWritable(const std::string& url) {
  const std::string path(absl::StripPrefix(url, "file://"));
  if (access(path.c_str(), F_OK) == 0) {
    return access(path.c_str(), W_OK) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
  }
  return TryWriting(std::filesystem::path(path).parent_path());
}

std::string Option(const Endpoint& endpoint, const char* name) {
  const auto found = endpoint.options.find(name);
  return found == endpoint.options.end() ? "" : found->second;
}

class EndpointCheck {
 public:
  EndpointCheck(const TransportCatalog& catalog, const std::string& own, Findings* findings)
      : catalog_(catalog), own_(own), findings_(*findings) {}

  void Add(const Route& route, const std::string& scheme) {
    for (size_t i = 0; i < route.endpoint_count(); ++i) {
      AddEndpoint(route, scheme, route.endpoint_at(i));
    }
  }

  void Tell() {
    const std::vector<absl::Status> statuses = Reach(attempts_);
    for (const Case& each : cases_) TellCase(each, statuses);
    if (tested_ > 0) findings_.tested.push_back(Counted(tested_, "endpoint"));
  }

 private:
  // An endpoint and the attempts at its peers.
  struct Case {
    std::string route;
    std::string scheme_word;  // "https"
    Weight weight;
    std::vector<size_t> attempts;
  };

  void AddEndpoint(const Route& route, const std::string& scheme, const Endpoint& endpoint) {
    const Weight weight = route.dry_run ? Weight::kWarning : Weight::kError;
    if (catalog_.plugin_files.contains(scheme)) {
      findings_.Add(Weight::kNote, absl::StrCat("route ", route.name, ": not tested: ", scheme,
                                                " is a plugin's transport"));
      return;
    }
    ++tested_;
    if (scheme == kFile) return AddFile(route, weight, endpoint.url);
    Case added = {route.name, endpoint.url.substr(0, endpoint.url.find("://")), weight, {}};
    for (const Peer& peer : PeersOf(endpoint.url)) {
      if (peer.ToString() != own_) added.attempts.push_back(AttemptAt(peer, scheme, endpoint));
    }
    cases_.push_back(std::move(added));
  }

  void AddFile(const Route& route, Weight weight, const std::string& url) {
    const absl::Status status = CheckWritable(url);
    if (status.ok()) return;
    findings_.Add(weight,
                  absl::StrCat("route ", route.name, ": ", status.message(),
                               "; let the user of tallybusd (uid ", geteuid(), ") write there"));
  }

  size_t AttemptAt(Peer peer, const std::string& scheme, const Endpoint& endpoint) {
    const rest::TlsFiles files = {Option(endpoint, rest::kCaFileOption),
                                  Option(endpoint, rest::kCertFileOption),
                                  Option(endpoint, rest::kKeyFileOption)};
    // A broker's authority asks for TLS; that of NATS comes later than a connection.
    if (scheme != "nats" && !files.ca.empty()) peer.tls |= scheme != config::kRest;
    const std::string network = Option(endpoint, rest::kNetworkOption);
    const std::string cidrs = Option(endpoint, rest::kAllowCidrsOption);
    const std::string key = absl::StrCat(peer.tls, "\n", peer.ToString(), "\n", files.ca, "\n",
                                         files.cert, "\n", files.key, "\n", network, "\n", cidrs);
    const auto [same, fresh] = by_peer_.emplace(key, attempts_.size());
    if (!fresh) return same->second;
    Attempt attempt = {std::move(peer), files, std::nullopt};
    if (scheme == config::kRest) {
      auto rules = rest::AddressRules::Parse(network, cidrs);
      if (rules.ok()) attempt.rules = *std::move(rules);
    }
    attempts_.push_back(std::move(attempt));
    return same->second;
  }

  // One broker of a list is enough to begin with.
  void TellCase(const Case& each, const std::vector<absl::Status>& statuses) {
    bool any = false;
    for (const size_t i : each.attempts) any |= statuses[i].ok();
    for (const size_t i : each.attempts) {
      if (statuses[i].ok()) continue;
      findings_.Add(any ? Weight::kWarning : each.weight,
                    absl::StrCat("route ", each.route, ": ", each.scheme_word, "://",
                                 attempts_[i].peer.ToString(), ": ", statuses[i].message()));
    }
  }

  const TransportCatalog& catalog_;
  const std::string& own_;
  Findings& findings_;
  uint64_t tested_ = 0;
  std::vector<Case> cases_;
  std::vector<Attempt> attempts_;
  std::map<std::string, size_t> by_peer_;
};

}  // namespace

void CheckEndpoints(const PaperRoutes& routes, const TransportCatalog& catalog,
                    const std::string& own, Findings* findings) {
  EndpointCheck check(catalog, own, findings);
  const auto add = [&](const Route& route) {
    const std::string scheme = routes.SchemeOf(route);
    if (!scheme.empty()) check.Add(route, scheme);
  };
  for (const auto& [key, route] : routes.table().by_app) add(*route);
  for (const RoutePtr& route : routes.table().others) add(*route);
  check.Tell();
}

}  // namespace tallybus::check
