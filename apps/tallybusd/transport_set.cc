// Start and stop of the transports that run.
#include "transport_set.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace tallybus {
namespace {

absl::Status Named(const std::string& scheme, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("transport ", scheme, ": ", status.message()));
}

}  // namespace

TransportSet::~TransportSet() { Stop(context_.clock.Now()); }

absl::Status TransportSet::Start(const TransportCatalog& catalog,
                                 const std::set<std::string>& schemes) {
  std::map<std::string, Running> fresh;
  for (const std::string& scheme : schemes) {
    const std::string file = catalog.FileOf(scheme);
    if (const auto running = by_scheme_.find(scheme); running != by_scheme_.end()) {
      if (file == running->second.plugin_file) continue;
      return Named(scheme, absl::FailedPreconditionError(
                               "it runs from another file, and is changed by a restart alone"));
    }
    const TransportDescriptor* descriptor = catalog.registry.Find(scheme);
    if (descriptor == nullptr) return absl::NotFoundError("no transport " + scheme);
    auto transport = descriptor->create(context_);
    absl::Status status = transport.ok() ? (*transport)->Start() : transport.status();
    if (!status.ok()) return Named(scheme, status);
    fresh.emplace(scheme, Running{*descriptor, file, *std::move(transport)});
  }
  std::lock_guard lock(mutex_);
  by_scheme_.merge(fresh);
  return absl::OkStatus();
}

void TransportSet::Stop(MonoTime deadline) {
  for (auto& [scheme, running] : by_scheme_) running.transport->Stop(deadline);
}

Transports TransportSet::all() const {
  Transports all;
  for (const auto& [scheme, running] : by_scheme_) all[scheme] = running.transport.get();
  return all;
}

absl::StatusOr<absl::Time> TransportSet::CredentialsEnd(const Route& route) const {
  std::function<absl::StatusOr<absl::Time>(const Endpoint&)> ask;
  {
    std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(by_scheme_.begin(), by_scheme_.end(), [&route](const auto& running) {
          return running.second.transport.get() == route.transport;
        });
    if (found != by_scheme_.end()) ask = found->second.descriptor.credentials_end;
  }
  return ask ? ask(route.endpoint) : absl::InfiniteFuture();
}

}  // namespace tallybus
