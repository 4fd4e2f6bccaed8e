// The spool that forgets: tables in memory, committed as soon as they are changed.
#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <map>
#include <utility>

#include "tallybus/spool.h"

namespace tallybus {
namespace {

// Of the whole size: what dead letters may take.
constexpr size_t kDeadShare = 8;

class MemorySpool final : public Spool {
 public:
  explicit MemorySpool(size_t max_bytes) : max_bytes_(max_bytes) {}

  absl::Status Start(SpoolEvents& events, SpoolReader&) override {
    events_ = &events;
    return absl::OkStatus();
  }

  void Append(SpoolBatch batch) override {
    for (const LaneRecord& lane : batch.lanes) lanes_[lane.id] = {lane.route, lane.key};
    for (LaneId lane : batch.forgotten_lanes) lanes_.erase(lane);
    for (const SpoolRowPtr& row : batch.rows) {
      const size_t bytes = row->Bytes();
      used_.fetch_add(bytes, std::memory_order_relaxed);
      rows_.emplace(row->seq, Kept{row, bytes});
    }
    for (const DeadRow& letter : batch.dead) Bury(letter.row, letter.settlement);
    Settle(batch.settled);
    events_->OnCommitted(std::move(batch));
  }

  void Settle(std::span<const Settlement> settled) override {
    for (const Settlement& settlement : settled) {
      Remove(dead_, settlement.seq);
      auto found = rows_.find(settlement.seq);
      if (found == rows_.end()) continue;
      used_.fetch_sub(found->second.bytes, std::memory_order_relaxed);
      if (settlement.IsDeadLetter()) Bury(found->second.row, settlement);
      rows_.erase(found);
    }
  }

  void Note(std::span<const Progress>) override {}  // the router knows it as long as we do

  void Load(std::span<const SpoolSeq> wanted) override {
    std::vector<SpoolRowPtr> loaded;
    loaded.reserve(wanted.size());
    for (SpoolSeq seq : wanted) {
      auto found = rows_.find(seq);
      if (found != rows_.end()) loaded.push_back(found->second.row);
    }
    events_->OnLoaded(std::move(loaded));
  }

  void Find(const StoredFilter& filter, StoredCallback callback) override {
    std::map<SpoolSeq, StoredRow> fitting;
    const auto consider = [&](StoredRow stored) {
      const SpoolSeq seq = stored.row->seq;
      if (seq > filter.after && filter.Fits(stored)) fitting.emplace(seq, std::move(stored));
    };
    for (const auto& [seq, kept] : rows_) consider(AsStored(kept.row, StoredRow::State::kWaiting));
    for (const auto& [seq, stored] : dead_) consider(stored);
    StoredPage page;
    for (auto& [seq, stored] : fitting) {
      if (page.rows.size() == filter.limit) break;
      page.rows.push_back(std::move(stored));
    }
    if (page.rows.size() < fitting.size()) page.next = page.rows.back().row->seq;
    callback(std::move(page));
  }

  absl::Status Stop() override { return absl::OkStatus(); }
  size_t UsedBytes() const override { return used_.load(std::memory_order_relaxed); }
  size_t MaxBytes() const override { return max_bytes_; }
  size_t PendingBytes() const override { return 0; }
  size_t DeadLetterBytes() const override { return dead_bytes_.load(std::memory_order_relaxed); }
  bool Healthy() const override { return true; }

 private:
  struct Kept {
    SpoolRowPtr row;
    size_t bytes;  // row->Bytes(), which would look into its event again
  };
  struct LaneName {
    std::string route;
    std::string key;
  };

  StoredRow AsStored(const SpoolRowPtr& row, StoredRow::State state) const {
    StoredRow stored;
    stored.row = row;
    stored.state = state;
    auto lane = lanes_.find(row->lane);
    if (lane != lanes_.end()) {
      stored.route = lane->second.route;
      stored.lane = lane->second.key;
    }
    return stored;
  }

  void Bury(const SpoolRowPtr& row, const Settlement& settlement) {
    StoredRow stored = AsStored(row, StoredRow::State::kDead);
    stored.attempts = settlement.attempts;
    stored.http_status = settlement.http_status;
    stored.reason = settlement.reason;
    stored.at = settlement.at;
    used_.fetch_add(row->Bytes(), std::memory_order_relaxed);
    dead_bytes_ += row->Bytes();
    dead_.emplace(row->seq, std::move(stored));
    while (dead_bytes_ > max_bytes_ / kDeadShare) Remove(dead_, dead_.begin()->first);
  }

  void Remove(std::map<SpoolSeq, StoredRow>& from, SpoolSeq seq) {
    auto found = from.find(seq);
    if (found == from.end()) return;
    const size_t bytes = found->second.row->Bytes();
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    dead_bytes_ -= bytes;
    from.erase(found);
  }

  const size_t max_bytes_;
  std::atomic<size_t> used_{0};
  SpoolEvents* events_ = nullptr;
  absl::flat_hash_map<SpoolSeq, Kept> rows_;
  absl::flat_hash_map<LaneId, LaneName> lanes_;
  std::map<SpoolSeq, StoredRow> dead_;
  std::atomic<size_t> dead_bytes_{0};
};

}  // namespace

std::unique_ptr<Spool> NewMemorySpool(size_t max_bytes) {
  return std::make_unique<MemorySpool>(max_bytes);
}

}  // namespace tallybus
