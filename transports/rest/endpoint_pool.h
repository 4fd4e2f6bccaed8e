// The connections of one endpoint in one loop: idle ones to reuse, and deliveries that wait for
// one.
#ifndef TALLYBUS_REST_ENDPOINT_POOL_H_
#define TALLYBUS_REST_ENDPOINT_POOL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/clock.h"
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
  // `clock`, `metrics`, `watch` and `multi` outlive the pool.
  EndpointPool(EndpointSettings settings, const Clock& clock, Metrics& metrics,
               const std::string& route, SocketWatch& watch, void* multi);

  bool IsFull() const { return busy_ >= settings_.max_connections; }
  bool IsIdle() const { return busy_ == 0 && waiting_.empty(); }
  // How many connections it may have in libcurl's own pool.
  int most_of_libcurl() const { return settings_.url.IsTls() ? settings_.max_connections : 0; }
  const std::string& peer() const { return settings_.url.peer; }
  const Clock& clock() const { return clock_; }

  // The peer has not taken up the offer of HTTP/2. True: what follows goes over connections of our
  // own.
  bool NoteHttp1();
  // A connection of our own was not made: the peer may speak HTTP/2 alone by now. It is offered
  // again, where no other one stands.
  void ForgetHttp1();

  // One to begin, for a body of so many bytes; not called when full. Give it back when it has
  // ended.
  Attempt& Take(size_t body_bytes);
  void GiveBack(Attempt& attempt);

  // How an attempt at the endpoint ended. What is ahead is taken where enough in a row went well.
  void NoteEnd(bool delivered);
  bool TakesAhead() const { return successes_ >= kSuccessesBeforeAhead; }
  std::list<Delivery>& waiting() { return waiting_; }
  // Busy or not, for the one who must end them all.
  const std::vector<std::unique_ptr<Attempt>>& attempts() const { return attempts_; }

  uint64_t last_used = 0;  // the loop's turn

 private:
  bool IsByLibcurl(size_t body_bytes) const;
  std::unique_ptr<Attempt> Make(bool by_libcurl);

  const EndpointSettings settings_;
  const Clock& clock_;
  const RouteCounters counters_;
  SocketWatch& watch_;
  void* const multi_;
  const bool offers_http2_;
  bool is_http1_ = false;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::vector<Attempt*> idle_;
  int busy_ = 0;
  int successes_ = kSuccessesBeforeAhead;  // since the last failure
  std::list<Delivery> waiting_;            // in order of arrival; a Delivery cannot be assigned
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ENDPOINT_POOL_H_
