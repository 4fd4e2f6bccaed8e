// What is over comes before what is to be asked.
#include "transports/web/connection_life.h"

namespace tallybus {

ConnectionLife::Due ConnectionLife::Check(MonoTime now) {
  if (closing_since_ != MonoTime::Infinite()) {
    return now - closing_since_ >= times_.closing ? Due::kCut : Due::kNothing;
  }
  if (writing_since_ != MonoTime::Infinite() && now - writing_since_ >= times_.not_reading) {
    return Due::kNotReading;
  }
  if (!watched_ && now - began_ >= times_.first_watch) return Due::kNoWatch;
  if (now - heard_ >= times_.silence) return Due::kSilent;
  if (now - pinged_ < times_.ping_every) return Due::kNothing;
  pinged_ = now;
  return Due::kPing;
}

}  // namespace tallybus
