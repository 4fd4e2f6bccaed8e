// One range that grows at its end, and moves where it is not asked for any more.
#include "spool/read_ahead.h"

#include <algorithm>

namespace tallybus {

void ReadAhead::Used() {
  ++used_;
  behind_ = 0;
}

std::optional<SeqRange> ReadAhead::Next(std::span<const SpoolSeq> missing) {
  std::optional<SpoolSeq> beyond, before;
  for (SpoolSeq seq : missing) {
    if (seq > covered_.through) beyond = std::min(seq, beyond.value_or(seq));
    if (seq <= covered_.after) before = std::min(seq, before.value_or(seq));
  }
  if (beyond && *beyond - covered_.through <= kMost) {
    behind_ = 0;  // it goes on where the range ends
  } else if (beyond || (before && ++behind_ >= kBehind)) {
    const SpoolSeq first = beyond.value_or(before.value_or(0));
    covered_ = {first, first};
    behind_ = 0;
  } else if (used_ == 0 || used_ < span_ / 2) {
    return std::nullopt;
  }
  span_ = std::clamp(4 * used_, kLeast, kMost);
  used_ = 0;
  const SeqRange next{covered_.through, covered_.through + span_};
  covered_.through = next.through;
  return next;
}

}  // namespace tallybus
