// The connections of one endpoint in one loop: idle ones to reuse, and deliveries that wait for
// one.
#ifndef TALLYBUS_REST_ENDPOINT_POOL_H_
#define TALLYBUS_REST_ENDPOINT_POOL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/metrics.h"
#include "tallybus/transport.h"
#include "transports/rest/attempt.h"
#include "transports/rest/endpoint_settings.h"
#include "transports/rest/socket_watch.h"

namespace tallybus::rest {

// [owner] At most settings.max_connections attempts are under way at once. What comes beyond them
// waits here and not in libcurl: a transfer that waits there for a connection has no time-out.
class EndpointPool {
 public:
  EndpointPool(EndpointSettings settings, Metrics& metrics, const std::string& route,
               SocketWatch& watch);

  bool IsFull() const { return busy_ >= settings_.max_connections; }
  bool IsIdle() const { return busy_ == 0 && waiting_.empty(); }
  // How many connections it may have in libcurl's own pool.
  int most_of_libcurl() const { return is_plain_ ? 0 : settings_.max_connections; }
  const std::string& peer() const { return settings_.url.peer; }

  // One to begin; not called when full. Give it back when it has ended.
  Attempt& Take();
  void GiveBack(Attempt& attempt);

  std::list<Delivery>& waiting() { return waiting_; }
  // Busy or not, for the one who must end them all.
  const std::vector<std::unique_ptr<Attempt>>& attempts() const { return attempts_; }

  uint64_t last_used = 0;  // the loop's turn

 private:
  std::unique_ptr<Attempt> Make();

  const EndpointSettings settings_;
  const bool is_plain_;
  const RouteCounters counters_;
  SocketWatch& watch_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::vector<Attempt*> idle_;
  int busy_ = 0;
  std::list<Delivery> waiting_;  // in order of arrival; a Delivery cannot be assigned
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ENDPOINT_POOL_H_
