// Reuse of transfers: the one that ended last is taken first, its memory is warm.
#include "transports/rest/endpoint_pool.h"

#include <utility>

namespace tallybus::rest {

EndpointPool::EndpointPool(EndpointSettings settings, Metrics& metrics, const std::string& route,
                           SocketWatch& watch)
    : settings_(std::move(settings)), counters_(metrics, route), watch_(watch) {}

Transfer& EndpointPool::Take() {
  ++busy_;
  if (idle_.empty()) {
    return *transfers_.emplace_back(
        std::make_unique<Transfer>(*this, settings_, counters_, watch_));
  }
  Transfer* transfer = idle_.back();
  idle_.pop_back();
  return *transfer;
}

void EndpointPool::GiveBack(Transfer& transfer) {
  --busy_;
  idle_.push_back(&transfer);
}

}  // namespace tallybus::rest
