// The spool that forgets: a table in memory, committed as soon as it is appended.
#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <utility>

#include "tallybus/spool.h"

namespace tallybus {
namespace {

size_t MemoryBytes(const SpoolRow& row) {
  return row.event->MemoryBytes() + sizeof(SpoolRow) + row.lane.size();
}

class MemorySpool final : public Spool {
 public:
  explicit MemorySpool(size_t max_bytes) : max_bytes_(max_bytes) {}

  void Start(SpoolEvents& events) override { events_ = &events; }

  void Append(SpoolBatch batch) override {
    for (const SpoolRowPtr& row : batch.rows) {
      used_.fetch_add(MemoryBytes(*row), std::memory_order_relaxed);
      rows_.emplace(row->seq, row);
    }
    events_->OnCommitted(std::move(batch));
  }

  void Settle(std::span<const Settlement> settled) override {
    for (const Settlement& settlement : settled) {
      auto found = rows_.find(settlement.seq);
      if (found == rows_.end()) continue;
      used_.fetch_sub(MemoryBytes(*found->second), std::memory_order_relaxed);
      rows_.erase(found);
    }
  }

  void Load(std::span<const SpoolSeq> wanted) override {
    std::vector<SpoolRowPtr> loaded;
    loaded.reserve(wanted.size());
    for (SpoolSeq seq : wanted) {
      auto found = rows_.find(seq);
      if (found != rows_.end()) loaded.push_back(found->second);
    }
    events_->OnLoaded(std::move(loaded));
  }

  size_t UsedBytes() const override { return used_.load(std::memory_order_relaxed); }
  size_t MaxBytes() const override { return max_bytes_; }

 private:
  const size_t max_bytes_;
  std::atomic<size_t> used_{0};
  SpoolEvents* events_ = nullptr;
  absl::flat_hash_map<SpoolSeq, SpoolRowPtr> rows_;
};

}  // namespace

std::unique_ptr<Spool> NewMemorySpool(size_t max_bytes) {
  return std::make_unique<MemorySpool>(max_bytes);
}

}  // namespace tallybus
