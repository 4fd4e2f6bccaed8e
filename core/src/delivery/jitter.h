// The random part of an endpoint's waiting, so that many routers do not come back as one.
#ifndef TALLYBUS_DELIVERY_JITTER_H_
#define TALLYBUS_DELIVERY_JITTER_H_

#include <absl/time/time.h>

#include <cstdint>
#include <random>

namespace tallybus {

// [owner] The same seed gives the same times.
class Jitter {
 public:
  explicit Jitter(uint64_t seed) {
    // Neighbouring seeds alone would begin with neighbouring numbers.
    std::seed_seq sequence = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
    random_.seed(sequence);
  }

  // Between half of the step and the whole: spread, and yet never at once, as full jitter may be.
  absl::Duration HalfToWhole(absl::Duration step) {
    return step * std::uniform_real_distribution<double>(0.5, 1)(random_);
  }

 private:
  std::minstd_rand random_;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_JITTER_H_
