// When a client's connection must be asked whether it lives, and when it is over.
#ifndef TALLYBUS_TRANSPORTS_WEB_CONNECTION_LIFE_H_
#define TALLYBUS_TRANSPORTS_WEB_CONNECTION_LIFE_H_

#include <absl/time/time.h>

#include "tallybus/clock.h"

namespace tallybus {

// One thread.
class ConnectionLife {
 public:
  struct Times {
    absl::Duration first_watch = absl::Seconds(10);
    absl::Duration ping_every = absl::Seconds(30);
    absl::Duration silence = absl::Seconds(75);      // nothing came, no answer to a ping either
    absl::Duration not_reading = absl::Seconds(30);  // one message could not be written whole
    absl::Duration closing = absl::Seconds(2);       // for the peer to take a close
  };
  enum class Due { kNothing, kPing, kNoWatch, kSilent, kNotReading, kCut };

  ConnectionLife(const Times& times, MonoTime now)
      : times_(times), began_(now), heard_(now), pinged_(now) {}

  void Watched() { watched_ = true; }
  void Heard(MonoTime now) { heard_ = now; }
  void WriteBegan(MonoTime now) { writing_since_ = now; }
  void WriteEnded() { writing_since_ = MonoTime::Infinite(); }
  void Closing(MonoTime now) { closing_since_ = now; }
  // kPing comes once for each time that one is due; the others as long as they hold.
  Due Check(MonoTime now);

 private:
  const Times& times_;
  MonoTime began_;
  MonoTime heard_;
  MonoTime pinged_;
  MonoTime writing_since_ = MonoTime::Infinite();
  MonoTime closing_since_ = MonoTime::Infinite();
  bool watched_ = false;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CONNECTION_LIFE_H_
