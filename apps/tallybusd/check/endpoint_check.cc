// A peer that several routes send to is tried once.
#include "apps/tallybusd/check/endpoint_check.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <unistd.h>

#include <algorithm>
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
    if (catalog_.plugin_files.contains(scheme)) return NoteUntested(route, scheme);
    RouteCase& added = routes_.emplace_back();
    added.name = route.name;
    added.weight = route.dry_run ? Weight::kWarning : Weight::kError;
    for (size_t i = 0; i < route.endpoint_count(); ++i) {
      added.endpoints.push_back(MakeCase(scheme, route.endpoint_at(i)));
    }
    tested_ += added.endpoints.size();
  }

  void Tell() {
    const std::vector<absl::Status> statuses = Reach(attempts_);
    for (const RouteCase& route : routes_) TellRoute(route, statuses);
    if (tested_ > 0) findings_.tested.push_back(Counted(tested_, "endpoint"));
  }

 private:
  // An endpoint and the attempts at its peers; or a file, which has been looked at.
  struct Case {
    std::string scheme_word;  // "https"
    absl::Status file;
    std::vector<size_t> attempts;
  };

  struct RouteCase {
    std::string name;
    Weight weight = Weight::kError;
    std::vector<Case> endpoints;
  };

  void NoteUntested(const Route& route, const std::string& scheme) {
    findings_.Add(Weight::kNote, absl::StrCat("route ", route.name, ": not tested: ", scheme,
                                              " is a plugin's transport"));
  }

  Case MakeCase(const std::string& scheme, const Endpoint& endpoint) {
    Case made;
    made.scheme_word = endpoint.url.substr(0, endpoint.url.find("://"));
    if (scheme == kFile) {
      made.file = CheckWritable(endpoint.url);
      return made;
    }
    for (const Peer& peer : PeersOf(endpoint.url)) {
      if (peer.ToString() != own_) made.attempts.push_back(AttemptAt(peer, scheme, endpoint));
    }
    return made;
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
  static bool Answers(const Case& each, const std::vector<absl::Status>& statuses) {
    const auto is_there = [&](size_t i) { return statuses[i].ok(); };
    return each.file.ok() && (each.attempts.empty() ||
                              std::any_of(each.attempts.begin(), each.attempts.end(), is_there));
  }

  // So is one endpoint of a route that goes round those that are away.
  void TellRoute(const RouteCase& route, const std::vector<absl::Status>& statuses) {
    const bool any = std::any_of(route.endpoints.begin(), route.endpoints.end(),
                                 [&](const Case& each) { return Answers(each, statuses); });
    for (const Case& each : route.endpoints) {
      TellCase(each, absl::StrCat("route ", route.name, ": "),
               any ? Weight::kWarning : route.weight, statuses);
    }
  }

  void TellCase(const Case& each, const std::string& head, Weight weight,
                const std::vector<absl::Status>& statuses) {
    if (!each.file.ok()) {
      findings_.Add(weight,
                    absl::StrCat(head, each.file.message(), "; let the user of tallybusd (uid ",
                                 geteuid(), ") write there"));
    }
    for (const size_t i : each.attempts) {
      if (statuses[i].ok()) continue;
      findings_.Add(weight,
                    absl::StrCat(head, each.scheme_word, "://", attempts_[i].peer.ToString(), ": ",
                                 statuses[i].message()));
    }
  }

  const TransportCatalog& catalog_;
  const std::string& own_;
  Findings& findings_;
  uint64_t tested_ = 0;
  std::vector<RouteCase> routes_;
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
