// Reuse: the one that ended last is taken first, its memory is warm.
#include "transports/rest/endpoint_pool.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <utility>

#include "transports/rest/http1_connection.h"
#include "transports/rest/transfer.h"

namespace tallybus::rest {
namespace {

// libcurl translates them.
bool IsBeyondAscii(std::string_view host) {
  return !std::all_of(host.begin(), host.end(), absl::ascii_isascii);
}

}  // namespace

// Batches are large, and large bodies are not sent by HTTP/2 (see Transfer).
EndpointPool::EndpointPool(EndpointSettings settings, Metrics& metrics, const std::string& route,
                           SocketWatch& watch, void* multi)
    : settings_(std::move(settings)),
      counters_(metrics, route),
      watch_(watch),
      multi_(multi),
      offers_http2_(settings_.http2 && settings_.url.IsTls() && settings_.format == Format::kWcs) {}

bool EndpointPool::IsByLibcurl() const {
  return (offers_http2_ && !is_http1_) || IsBeyondAscii(settings_.url.host);
}

bool EndpointPool::NoteHttp1() {
  is_http1_ = true;
  return !IsByLibcurl();
}

std::unique_ptr<Attempt> EndpointPool::Make() {
  if (IsByLibcurl()) {
    return std::make_unique<Transfer>(*this, settings_, counters_, watch_, multi_);
  }
  return std::make_unique<Http1Connection>(*this, settings_, counters_, watch_, multi_);
}

Attempt& EndpointPool::Take() {
  ++busy_;
  if (idle_.empty()) return *attempts_.emplace_back(Make());
  Attempt* const attempt = idle_.back();
  idle_.pop_back();
  if (attempt->IsByLibcurl() == IsByLibcurl()) return *attempt;
  const auto slot = std::find_if(attempts_.begin(), attempts_.end(),
                                 [&](const auto& held) { return held.get() == attempt; });
  *slot = Make();
  return **slot;
}

void EndpointPool::GiveBack(Attempt& attempt) {
  --busy_;
  idle_.push_back(&attempt);
}

}  // namespace tallybus::rest
