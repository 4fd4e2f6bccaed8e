// Remembers what became of the last 65,536 events, to answer "where is my event?".
#ifndef TALLYBUS_FLIGHT_RECORDER_H_
#define TALLYBUS_FLIGHT_RECORDER_H_

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block_queue.h"
#include "id_index.h"
#include "row_index.h"
#include "slab.h"
#include "tallybus/event.h"
#include "tallybus/trace.h"
#include "text_queue.h"
#include "word_table.h"

namespace tallybus {

// A row of the spool, as the recorder knows it from then on.
struct TracedRow {
  uint64_t row = 0;  // its SpoolSeq, from 1
  std::string_view route;
  std::string_view lane;
  uint64_t lane_sequence = 0;
  bool replayed = false;  // sent again by hand
  // Of one that an earlier process accepted.
  absl::Time accepted = absl::InfinitePast();
};

struct AttemptFailure {
  int attempt = 0;             // from 1
  int http_status = 0;         // 0: no answer came
  std::string_view info = {};  // the answer's reason phrase, or a fixed word; kept to 64 bytes
  absl::Time next_attempt = absl::InfinitePast();  // wall clock; InfinitePast: not known
};

// [router] All functions; none blocks, none fails, all times are of the wall clock. What is told of
// an event or row that is not known (any longer) is ignored.
//
// Memory: nothing worth mentioning until the first event, then some 270 bytes for each event with
// one route and names of usual length: 18 MB when full, and 64 bytes more for a way that failed.
// Never more than kMaxBytes, whatever the names, routes and reasons are.
class FlightRecorder {
 public:
  static constexpr size_t kMaxEvents = kTracedEvents;
  static constexpr size_t kMaxWays = 131'072;        // (event, route); beyond: the oldest goes
  static constexpr size_t kMaxRoutes = 1024;         // whose endpoint changes are kept
  static constexpr size_t kMaxEndpointChanges = 64;  // of one route, the newest
  static constexpr size_t kMaxBytes = size_t{64} << 20;

  FlightRecorder() = default;
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  // Opens the record. An id that is known already gets a second one, and the first gets no more.
  void Accepted(const Event& event, absl::Time now);
  void ToClients(const EventId& id, ClientOutcome outcome, absl::Time now);
  // Once for each route that would have taken it; an app stands for its own route.
  void NotSent(const EventId& id, std::string_view route_or_app, NotSentReason reason,
               absl::Time now);
  bool Knows(uint64_t row) const { return WayOf(row) != nullptr; }
  void Spooled(const EventId& id, const TracedRow& row, absl::Time now);
  // For a row that was loaded from the spool: does nothing where it is known, and opens the event's
  // record where that is not.
  void Resumed(const Event& event, const TracedRow& row, absl::Time now);
  // For a row that is made now, for an event that is sent again by hand.
  void Replayed(const Event& event, TracedRow row, absl::Time now);
  // An attempt for a row that is settled opens it again.
  void Attempted(uint64_t row, int attempt, absl::Time now);
  void Failed(uint64_t row, const AttemptFailure& failure, absl::Time now);
  // It will be tried no more, for a reason that is no attempt's; Settled follows.
  void Buried(uint64_t row, std::string_view why);
  void Settled(uint64_t row, Fate fate, absl::Time now);
  // A state that is told again keeps the time and reason of the first telling.
  void EndpointChanged(std::string_view route, EndpointState state, std::string_view reason,
                       absl::Time now);

  // By event id ("<16 hex>-<dec>"), else by stream name, media session or session: the newest
  // `limit`. Looks at every record, about a millisecond when full.
  Trace Find(std::string_view id_or_name, size_t limit) const;

  // Of a row that waits: what its last attempt brought; number 0: none, or none that failed yet.
  TracedAttempt LastFailure(uint64_t row) const;

  size_t events() const { return events_.size(); }
  // What is allocated, from above.
  size_t MemoryBytes() const;

 private:
  static constexpr int64_t kNever = INT64_MIN;
  enum TroubleWord { kFirstInfo, kLastInfo, kWhy, kTroubleWords };
  enum Text { kName, kMediaSession, kSession, kApp, kMethod, kStatus, kTexts };

  struct Record {
    EventId id;
    int64_t time = kNever;  // this and what follows: Unix microseconds
    int64_t accepted = kNever;
    int64_t clients_at = kNever;
    uint64_t last_way = 0;       // 0: none
    const char* text = nullptr;  // all texts, one after the other
    std::array<uint8_t, kTexts> lengths{};
    ClientOutcome clients : 4 = ClientOutcome::kTold;
    bool from_router : 1 = false;
    bool resumed : 1 = false;
    bool ways_forgotten : 1 = false;
    bool has_later : 1 = false;  // there is a later record of this id
  };
  static_assert(sizeof(Record) == 64);

  struct Attempt {
    int64_t begun = kNever;
    int64_t failed = kNever;
    int32_t number = 0;
    int16_t http_status = 0;
  };

  // What a way has that did not end well at once.
  struct Trouble {
    Attempt first;
    Attempt last;
    int64_t next_attempt = kNever;
    std::array<Word, kTroubleWords> words{};
  };
  static_assert(sizeof(Trouble) == 64);

  // One event on its way to one route. Most have one attempt, which succeeds.
  struct Way {
    uint64_t row = 0;  // 0: not sent
    uint64_t lane = 0;
    uint64_t lane_sequence = 0;
    int64_t begun = kNever;
    int64_t attempted = kNever;  // attempt 1, where there is no trouble
    int64_t settled = kNever;
    uint32_t event = 0;    // the end of its number
    uint32_t back = 0;     // the way of the same event before it was so many ways ago; 0: none was
    uint32_t trouble = 0;  // its number; 0: none
    Word route{};
    Fate fate : 4 = Fate::kDelivered;                      // of one that is settled
    NotSentReason not_sent : 4 = NotSentReason::kNoRoute;  // of one without a row
    bool forgotten : 1 = false;
    bool resumed : 1 = false;
    bool replayed : 1 = false;
  };
  static_assert(sizeof(Way) == 64);

  struct Change {
    int64_t at = kNever;
    EndpointState state = EndpointState::kOpenForBusiness;
    Word reason{};
  };

  uint64_t Open(const Event& event, absl::Time now);
  uint64_t Reopen(const Event& event, absl::Time accepted);
  void ForgetOldestEvent();
  void ForgetOldestWay();
  void Release(Way& way, uint64_t number);
  Way& AddWay(uint64_t event, std::string_view route, absl::Time now);
  void AddRow(uint64_t event, const TracedRow& row, absl::Time now, bool resumed);
  Trouble& TroubleOf(Way& way);  // which it has from now on
  // As if it had some, where it has none.
  Trouble TroubleOf(const Way& way) const;
  void SetWord(Trouble& trouble, TroubleWord which, std::string_view text);
  void MakeRoomForRoute();
  // 0: not known. Mostly the newest one, or the one after the last that was asked for: the events
  // of a turn are told of in their order.
  uint64_t NumberOf(const EventId& id) const {
    if (!events_.empty() && events_.back().id == id) return first_event_ + events_.size() - 1;
    if (IsRecordOf(id, told_of_ + 1)) return ++told_of_;
    const uint64_t found = Newest(id);
    return found == 0 ? 0 : told_of_ = found;
  }
  uint64_t Newest(const EventId& id) const {
    return by_id_.Find(id,
                       [&](uint64_t number) { return events_[number - first_event_].id == id; });
  }
  // Much happens at one time: it is that of a turn.
  int64_t Micros(absl::Time now) {
    if (now != now_) now_us_ = absl::ToUnixMicros(now_ = now);
    return now_us_;
  }
  bool IsRecordOf(const EventId& id, uint64_t number) const {
    if (number < first_event_ || number - first_event_ >= events_.size()) return false;
    const Record& record = events_[number - first_event_];
    return record.id == id && !record.has_later;
  }
  const Way* WayOf(uint64_t row) const;  // nullptr: not known
  Way* WayOf(uint64_t row);
  Record& RecordAt(uint64_t number) { return events_[number - first_event_]; }
  // Events are found by the ends of their numbers: there are far fewer than 2^32.
  Record& RecordOf(const Way& way) {
    return events_[way.event - static_cast<uint32_t>(first_event_)];
  }
  Way& WayAt(uint64_t number) { return ways_[number - first_way_]; }
  // The number of a way; 0: it is not known any more.
  uint64_t Known(uint64_t way) const { return way < first_way_ ? 0 : way; }
  // Of the same event; 0: there was none, or none that is known.
  uint64_t Before(uint64_t way) const {
    const uint32_t back = ways_[way - first_way_].back;
    return back == 0 ? 0 : Known(way - back);
  }

  std::vector<const Record*> Matching(std::string_view wanted, size_t limit,
                                      size_t* left_out) const;
  TracedEvent Describe(const Record& record) const;
  TracedRoute Describe(const Way& way) const;
  TracedAttempt Describe(const Attempt& attempt, Word info) const;
  void AddEndpointChanges(Trace* trace) const;

  // Numbers count from 1 and are never reused.
  BlockQueue<Record> events_;
  uint64_t first_event_ = 1;
  mutable uint64_t told_of_ = 0;  // the event that was told of last
  BlockQueue<Way> ways_;
  uint64_t first_way_ = 1;
  Slab<Trouble> troubles_;
  IdIndex by_id_;
  RowIndex by_row_;
  absl::flat_hash_map<std::string, std::vector<Change>> endpoints_;
  WordTable words_;
  TextQueue texts_;                     // of the events
  absl::Time now_ = absl::UnixEpoch();  // that Micros was asked for last
  int64_t now_us_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_FLIGHT_RECORDER_H_
