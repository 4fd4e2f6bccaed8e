// Tells whether more requests at once only wait for each other inside the peer.
#ifndef TALLYBUS_DELIVERY_CROWDING_H_
#define TALLYBUS_DELIVERY_CROWDING_H_

#include <cstdint>
#include <optional>

namespace tallybus {

// [owner] By Little's law a peer at its capacity answers each of twice as many requests in twice
// the time, and a peer with room to spare in the same time. So the round trips at one load are
// averaged and compared with those at another: where they grew by more than about the square root
// of what the load did, the load was more than the peer can use. Round trips that grow at one load,
// and a load that stays the same for long, are worth a look at a lower one.
class Crowding {
 public:
  // A success that had `load` requests in flight when it went out, itself included.
  void Add(int load, double seconds);
  // Compares what was added since the last time, once there are `samples` of it. The load to fall
  // to, or none.
  std::optional<int> Compare(int64_t samples);
  // What comes next is not to be compared with what was.
  void Forget() { *this = Crowding(); }

 private:
  static constexpr int kFirstPatience = 8;
  struct Average {
    double load = 0;
    double seconds = 0;
  };

  int64_t count_ = 0;
  Average sum_;
  std::optional<Average> before_;
  int alike_ = 0;  // comparisons in a row that found nothing new
  // So many are worth a look; each look makes the next one rarer, since it costs throughput.
  int patience_ = kFirstPatience;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_CROWDING_H_
