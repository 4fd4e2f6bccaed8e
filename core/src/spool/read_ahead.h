// How much of what follows a row that is read from the file is worth reading with it.
#ifndef TALLYBUS_SPOOL_READ_AHEAD_H_
#define TALLYBUS_SPOOL_READ_AHEAD_H_

#include <cstddef>
#include <optional>
#include <span>

#include "tallybus/spool.h"

namespace tallybus {

// Rows after `after`, up to and with `through`.
struct SeqRange {
  SpoolSeq after = 0;
  SpoolSeq through = 0;
};

// A backlog drains nearly in the order of its rows. So what follows is read too: twice as much
// where the half of it was used, less where little was, as where most rows wait for another
// endpoint. [router] One thread.
class ReadAhead {
 public:
  static constexpr size_t kLeast = 8;
  static constexpr size_t kMost = 256;

  // A row that was read ahead was asked for.
  void Used();
  // What to read beside `missing`, which are read one by one.
  std::optional<SeqRange> Next(std::span<const SpoolSeq> missing);

 private:
  // So often in a row what is asked for lies before the range, till it is moved there: a lane that
  // comes after the others does not end what they have of it.
  static constexpr int kBehind = 8;

  SeqRange covered_;
  size_t span_ = 0;  // of what was read last, and how many of it were used
  size_t used_ = 0;
  int behind_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_READ_AHEAD_H_
