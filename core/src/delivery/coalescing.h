// Which rows a newer one has taken the place of, where a route wants of a status's news the newest.
#ifndef TALLYBUS_DELIVERY_COALESCING_H_
#define TALLYBUS_DELIVERY_COALESCING_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "delivery/backlog.h"
#include "tallybus/spool.h"

namespace tallybus {

// [owner] A lane's newest row: the only one that the next may take the place of.
struct NewestRow {
  Waiting row;
  uint64_t lane_sequence = 0;
  size_t kind = 0;         // what KindOf says
  uint32_t coalesced = 0;  // older rows that it stands for
  bool repeats = false;    // the row before it says the same: it may go
  // The lane's last row that nothing may take the place of.
  uint64_t stays = 0;
};

// What two rows of a lane have in common where the newer one says all that the older one did: the
// method, the stream and the status. 0: the row is no such news. That are an end, what has no
// status, what the router made itself, and what an operator asked for again.
size_t KindOf(const SpoolRow& row);

// [owner] Rows whose place is taken, while the newer one is not committed: until then the older one
// is sent no more, but stays in the spool. A newer row comes right behind the older one in its
// lane, so a lane has at most one that is committed and waits for its end. What is not committed
// is bounded by what the router holds in memory unwritten.
class Replaced {
 public:
  // `newer` takes the place of `older`, which is `committed` or is about to be.
  void Hold(const Waiting& older, SpoolSeq newer, bool committed);
  // `newer` is committed: what it took the place of, if anything.
  std::optional<Waiting> TakeOlder(SpoolSeq newer);
  // `seq` is committed: whether its place was taken before.
  bool TakeOutdated(SpoolSeq seq) { return outdated_.erase(seq) > 0; }
  bool empty() const { return older_.empty(); }

 private:
  absl::flat_hash_map<SpoolSeq, Waiting> older_;  // by the newer one
  absl::flat_hash_set<SpoolSeq> outdated_;        // of them, those that are not committed
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_COALESCING_H_
