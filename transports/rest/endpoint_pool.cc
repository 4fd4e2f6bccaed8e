// Reuse: the one that ended last is taken first, its memory is warm.
#include "transports/rest/endpoint_pool.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <utility>

#include "transports/rest/plain_connection.h"
#include "transports/rest/transfer.h"

namespace tallybus::rest {
namespace {

// TLS, and names that libcurl would have to translate, are all libcurl's.
bool IsPlain(const BaseUrl& url) {
  return url.prefix.starts_with("http:") &&
         std::all_of(url.host.begin(), url.host.end(), absl::ascii_isascii);
}

}  // namespace

EndpointPool::EndpointPool(EndpointSettings settings, Metrics& metrics, const std::string& route,
                           SocketWatch& watch)
    : settings_(std::move(settings)),
      is_plain_(IsPlain(settings_.url)),
      counters_(metrics, route),
      watch_(watch) {}

std::unique_ptr<Attempt> EndpointPool::Make() {
  if (is_plain_) return std::make_unique<PlainConnection>(*this, settings_, counters_, watch_);
  return std::make_unique<Transfer>(*this, settings_, counters_, watch_);
}

Attempt& EndpointPool::Take() {
  ++busy_;
  if (idle_.empty()) return *attempts_.emplace_back(Make());
  Attempt* attempt = idle_.back();
  idle_.pop_back();
  return *attempt;
}

void EndpointPool::GiveBack(Attempt& attempt) {
  --busy_;
  idle_.push_back(&attempt);
}

}  // namespace tallybus::rest
