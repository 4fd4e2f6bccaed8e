// What lives, page by page: for a backend that was away.
#ifndef TALLYBUS_LIVE_PAGE_H_
#define TALLYBUS_LIVE_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tallybus/policy.h"
#include "tallybus/spool.h"

namespace tallybus {

// What a text names must be equal; an empty one lets everything pass.
struct LivePageFilter {
  enum class Kind { kStreams, kSessions } kind = Kind::kStreams;
  std::string app = {};
  std::string node = {};
  std::string status = {};
  std::string session = {};
  std::string name = {};   // the stream's; no session has one
  std::string after = {};  // the page begins behind this key
  size_t limit = 500;
};

struct LiveRow {
  std::string key = {};  // as `next` has it
  std::string node_id = {};
  std::string app_key = {};
  std::string session_id = {};
  std::string status = {};  // of a session: empty where the engine opened it and said no more
  RestClientConfigPtr config = {};  // that a session brought; nullptr: none
  // Of streams alone.
  bool told = false;      // its app's backend hears of its events
  std::string json = {};  // what the app's backend was told last that was a new status, without sdp
  std::string lane = {};  // the order in which its backend gets its events
  // The last number that was given out there: with a larger one, an event came after this page.
  // It is kept for a day more. 0: none is known, and the next is 1.
  uint64_t lane_sequence = 0;
};

// At most 500 are looked at, in the order of their keys; where `next` is not empty there may be
// more.
struct LivePage {
  std::vector<LiveRow> rows = {};
  std::string next = {};
  SpoolSeq as_of = 0;  // all that was accepted up to this row of the spool is in it
};

}  // namespace tallybus

#endif  // TALLYBUS_LIVE_PAGE_H_
