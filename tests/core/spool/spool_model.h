// A durable spool as a model in memory: what was asked of it, and so what a start may find.
#ifndef TALLYBUS_TESTS_CORE_SPOOL_SPOOL_MODEL_H_
#define TALLYBUS_TESTS_CORE_SPOOL_SPOOL_MODEL_H_

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/spool/spool_watcher.h"

namespace tallybus::testing {

// One thread. Violations come back as words; empty: all is as promised.
class SpoolModel {
 public:
  enum class State { kWaiting, kDead, kGone };
  struct Entry {
    SpoolRowPtr row;
    State state = State::kWaiting;
    Progress progress;
  };

  // Each says what is asked of the spool. An append's watermark is its number, from 1.
  uint64_t Append(std::vector<SpoolRowPtr> rows) {
    asked_.push_back({.rows = std::move(rows), .settlement = {}, .progress = {}, .append = true});
    return ++appends_;
  }
  void Settle(const Settlement& settlement) {
    asked_.push_back({.rows = {}, .settlement = settlement, .progress = {}});
  }
  void Note(const Progress& progress) {
    asked_.push_back({.rows = {}, .settlement = {}, .progress = progress});
  }

  // So many appends have been told of: what was asked before the last of them is on the disk too.
  void Committed(uint64_t appends) {
    while (committed_ < appends) ApplyFront();
  }
  // Nothing was lost: the spool has stopped in order.
  void Stopped() {
    while (!asked_.empty()) ApplyFront();
  }

  const std::map<SpoolSeq, Entry>& rows() const { return rows_; }
  uint64_t asked_appends() const { return appends_; }

  // Compares with what a start found, after a crash unless `clean`, and goes on from there.
  std::string Check(const Found& found, const std::vector<StoredRow>& stored, bool clean) {
    uint64_t applied = 0;
    for (const PublisherRecord& publisher : found.publishers) applied = publisher.through;
    if (applied < committed_) return absl::StrCat("append ", committed_, " lost; last ", applied);
    if (applied > appends_) return "an append that nobody asked for";
    std::map<SpoolSeq, std::vector<Entry>> may_be = Possible(applied);
    std::map<SpoolSeq, Entry> is;
    std::string fault = Read(found, stored, clean, &is);
    if (fault.empty()) fault = CheckRows(may_be, is);
    if (fault.empty()) fault = CheckLanes(found);
    rows_ = std::move(is);
    asked_.clear();
    committed_ = appends_ = applied;
    return fault;
  }

 private:
  struct Asked {
    std::vector<SpoolRowPtr> rows;
    Settlement settlement;
    Progress progress;
    bool append = false;
  };

  static void Apply(const Asked& asked, Entry* entry) {
    if (asked.progress.seq != 0) entry->progress = asked.progress;
    if (asked.settlement.seq == 0) return;
    entry->state = asked.settlement.IsDeadLetter() ? State::kDead : State::kGone;
  }
  static SpoolSeq SeqOf(const Asked& asked) {
    return std::max(asked.progress.seq, asked.settlement.seq);
  }

  void ApplyFront() {
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    if (asked.append) {
      ++committed_;
      for (const SpoolRowPtr& row : asked.rows) {
        rows_[row->seq] = {.row = row, .progress = {}};
        lanes_[row->lane] = row->lane_sequence;
      }
      return;
    }
    auto found = rows_.find(SeqOf(asked));
    if (found == rows_.end()) return;
    Apply(asked, &found->second);
    if (found->second.state == State::kGone) rows_.erase(found);
  }

  // Each row in each state that it may have: of what was asked and not told of, any part may have
  // happened, but of appends only the first ones.
  std::map<SpoolSeq, std::vector<Entry>> Possible(uint64_t applied) {
    std::map<SpoolSeq, std::vector<Entry>> may_be;
    for (const auto& [seq, entry] : rows_) may_be[seq] = {entry};
    uint64_t append = committed_;
    for (const Asked& asked : asked_) {
      if (!asked.append) {
        std::vector<Entry>& entries = may_be[SeqOf(asked)];
        if (entries.empty()) continue;
        Entry after = entries.back();
        Apply(asked, &after);
        entries.push_back(after);
      } else if (++append <= applied) {
        for (const SpoolRowPtr& row : asked.rows) {
          may_be[row->seq] = {{.row = row, .progress = {}}};
          lanes_[row->lane] = row->lane_sequence;
        }
      }
    }
    return may_be;
  }

  static std::string Read(const Found& found, const std::vector<StoredRow>& stored, bool clean,
                          std::map<SpoolSeq, Entry>* is) {
    for (const StoredRow& row : stored) {
      const bool dead = row.state == StoredRow::State::kDead;
      const Entry entry = {row.row, dead ? State::kDead : State::kWaiting, {}};
      if (!is->emplace(row.row->seq, entry).second) return "a row is waiting and dead";
    }
    SpoolSeq before = 0;
    size_t waiting = 0;
    for (const WaitingRow& row : found.waiting) {
      auto entry = is->find(row.seq);
      if (row.seq <= before) return absl::StrCat("row ", row.seq, " is out of order");
      before = row.seq;
      if (entry == is->end() || entry->second.state != State::kWaiting) {
        return absl::StrCat("row ", row.seq, " waits and has no body");
      }
      if (!clean && !row.progress.may_have_arrived) return "a row is not marked after a crash";
      if (row.lane != entry->second.row->lane || row.bytes != entry->second.row->Bytes()) {
        return absl::StrCat("row ", row.seq, " differs in the queue");
      }
      entry->second.progress = row.progress;
      ++waiting;
    }
    for (const auto& [seq, entry] : *is) waiting -= entry.state == State::kWaiting ? 1 : 0;
    return waiting == 0 ? "" : "a start did not find all that waits";
  }

  static bool Fits(const Entry& may_be, const Entry& is) {
    return may_be.state == is.state && SameRow(*may_be.row, *is.row) &&
           (is.state != State::kWaiting ||
            (may_be.progress.attempts == is.progress.attempts &&
             may_be.progress.own_time == is.progress.own_time &&
             may_be.progress.due == is.progress.due &&
             (is.progress.may_have_arrived || !may_be.progress.may_have_arrived)));
  }

  static std::string CheckRows(const std::map<SpoolSeq, std::vector<Entry>>& may_be,
                               const std::map<SpoolSeq, Entry>& is) {
    for (const auto& [seq, entry] : is) {
      auto known = may_be.find(seq);
      const bool fits =
          known != may_be.end() &&
          std::any_of(known->second.begin(), known->second.end(),
                      [&entry = entry](const Entry& one) { return Fits(one, entry); });
      if (!fits) return absl::StrCat("row ", seq, " is not as it was asked for");
    }
    for (const auto& [seq, entries] : may_be) {
      if (is.contains(seq) || entries.empty()) continue;
      const bool may_be_gone = std::any_of(entries.begin(), entries.end(), [](const Entry& entry) {
        return entry.state == State::kGone;
      });
      if (!may_be_gone) return absl::StrCat("row ", seq, " is lost");
    }
    return "";
  }

  std::string CheckLanes(const Found& found) const {
    for (const auto& [lane, sequence] : lanes_) {
      auto known = found.lanes.find(lane);
      if (known == found.lanes.end() || known->second.last_sequence != sequence) {
        return absl::StrCat("the counter of lane ", lane, " is not at ", sequence);
      }
    }
    return "";
  }

  std::map<SpoolSeq, Entry> rows_;  // on the disk for certain
  std::map<LaneId, uint64_t> lanes_;
  std::deque<Asked> asked_;  // and not known to be on the disk
  uint64_t appends_ = 0;
  uint64_t committed_ = 0;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_SPOOL_SPOOL_MODEL_H_
