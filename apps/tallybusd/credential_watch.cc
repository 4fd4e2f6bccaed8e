// What ends within two weeks, or cannot be read any more, is told to the router.
#include "credential_watch.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "tallybus/event.h"

namespace tallybus {
namespace {

constexpr absl::Duration kLookEvery = absl::Hours(1);
constexpr absl::Duration kSoon = absl::Hours(14 * 24);

}  // namespace

std::string WarningOfEnd(const absl::StatusOr<absl::Time>& end, absl::Time now) {
  if (!end.ok()) return std::string(end.status().message());
  if (*end > now + kSoon) return "";
  return absl::StrCat("the client certificate ",
                      *end > now ? "ends " : "has ended: ", Rfc3339Millis(*end),
                      "; tls.cert_file names it");
}

void CredentialWatch::Watch(const RouteTable& routes) {
  routes_.clear();
  const auto add = [this](const RoutePtr& route) {
    if (route->transport != nullptr) routes_[route->name] = route;
  };
  for (const auto& [app, route] : routes.by_app) add(route);
  for (const RoutePtr& route : routes.others) add(route);
  Look();
}

void CredentialWatch::Tick() {
  if (clock_.Now() - looked_ >= kLookEvery) Look();
}

void CredentialWatch::Look() {
  looked_ = clock_.Now();
  std::map<std::string, std::string> ending;
  for (const auto& [name, route] : routes_) {
    std::string warning = WarningOfEnd(end_of_(*route), clock_.WallNow());
    if (!warning.empty()) ending[name] = std::move(warning);
  }
  router_.NoteCredentials(ending);
}

}  // namespace tallybus
