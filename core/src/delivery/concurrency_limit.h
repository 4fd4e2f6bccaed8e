// How many requests one endpoint may have in flight, found out by looking at its round trips.
#ifndef TALLYBUS_DELIVERY_CONCURRENCY_LIMIT_H_
#define TALLYBUS_DELIVERY_CONCURRENCY_LIMIT_H_

#include <cstdint>

#include "delivery/crowding.h"
#include "tallybus/clock.h"

namespace tallybus {

// [owner] Additive increase, multiplicative decrease, decided once each mean round trip:
//   if reached_limit and not pushed_back and rtt <= mean: limit += 1
//   if pushed_back or rtt >= mean + 2.5 sigma:            limit = max(1, floor(0.9 limit))
// with exponential averages (alpha 0.4), as Vector's adaptive request concurrency has it. It starts
// at 8 and doubles until the first decrease. Three readings keep the noise of a healthy peer from
// throttling it, and a full one from being crowded (docs/decisions/0007-crowding.md): rtt is the
// mean of the interval, but sigma the deviation of single round trips; 2.5 sigma is at least ten
// milliseconds; and a load that only waits in the peer, by Crowding, is a push-back where round
// trips are longer than that.
class ConcurrencyLimit {
 public:
  // What was in flight when a request went out; it comes back with the request.
  struct Slot {
    uint32_t era = 0;      // how often it had started anew
    uint32_t setting = 0;  // how often its most was set
    int load = 0;
  };
  // kNoMeasure: no success, but its time says nothing. kNothing: nor does it.
  enum class Outcome { kSuccess, kNoMeasure, kPushedBack, kNothing };

  explicit ConcurrencyLimit(int max_connections);

  bool Full() const { return in_flight_ >= limit_ || AtMaxConnections(); }
  bool AtMaxConnections() const { return in_flight() >= max_; }
  // True where one more may wait for a connection in the transport. That is worth it, and harms
  // nobody, where all connections are in use, round trips are as short as the way to the router
  // and back (below two milliseconds), and kSuccessesBeforeAhead came in a row. After a reload,
  // what is in flight may hold connections that are not among those: it has to end first.
  bool HasRoomAhead() const;
  Slot Start();
  // Ends what Start began. False: it went out before the limit last started anew, and says nothing
  // of what is now.
  bool Finish(const Slot& slot, Outcome outcome, absl::Duration rtt, MonoTime now);
  // Ends what Start began where no attempt was made.
  void TakeBack(const Slot& slot);
  // After an outage, or by hand: one at a time, growing by one each round trip; what it knew is
  // forgotten. What is in flight does not count against the new limit, only against
  // max_connections.
  void RestartAt1();
  // A reload. At least 1. `most_ahead`: how many the transport lets wait for a connection.
  void SetMaxConnections(int max_connections, int most_ahead = 0);

  int limit() const { return limit_; }
  int in_flight() const { return in_flight_ + from_earlier_eras_; }  // those ahead too
  int max_connections() const { return max_; }

 private:
  // What came back since the last decision.
  struct Interval {
    int64_t successes = 0;
    double sum = 0;
    double sum_of_squares = 0;
    bool pushed_back = false;
  };

  void Ended(const Slot& slot);
  void Decide(MonoTime now, double latest);
  void LookForCrowding();
  void Decrease();
  void Learn(double rtt);
  double Slow() const;

  int max_;
  int most_ahead_ = 0;
  int successes_ = 0;     // in a row
  uint32_t setting_ = 0;  // how often its most was set
  int of_earlier_settings_ = 0;
  int limit_;
  int in_flight_ = 0;  // of this era
  int from_earlier_eras_ = 0;
  uint32_t era_ = 0;
  bool doubling_ = true;
  bool reached_ = false;  // the limit, since the last decision
  double mean_ = 0;       // seconds; 0: none yet
  double variance_ = 0;
  MonoTime decide_at_;
  Interval interval_;
  Crowding crowding_;
  int falling_to_ = 0;  // 0: not falling
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_CONCURRENCY_LIMIT_H_
