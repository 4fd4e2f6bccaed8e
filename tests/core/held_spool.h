// A spool whose answers the test holds back: what a disk does to a router.
#ifndef TALLYBUS_TESTS_CORE_HELD_SPOOL_H_
#define TALLYBUS_TESTS_CORE_HELD_SPOOL_H_

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "tallybus/spool.h"

namespace tallybus::testing {

class HeldSpool final : public Spool, private SpoolEvents {
 public:
  explicit HeldSpool(std::unique_ptr<Spool> inner) : inner_(std::move(inner)) {}

  // From here on answers wait until Release.
  void Hold() { held_ = true; }
  // Gives all answers that wait, and later ones at once.
  void Release() {
    held_ = false;
    for (SpoolBatch& batch : std::exchange(commits_, {})) events_->OnCommitted(std::move(batch));
    for (auto& rows : std::exchange(loads_, {})) events_->OnLoaded(std::move(rows));
  }
  size_t held_commits() const { return commits_.size(); }
  size_t held_loads() const { return loads_.size(); }

  // Whether Healthy says yes.
  bool healthy = true;

  absl::Status Start(SpoolEvents& events, SpoolReader& reader) override {
    events_ = &events;
    commits_.clear();  // another process is told nothing of an earlier one's
    loads_.clear();
    return inner_->Start(*this, reader);
  }
  void Append(SpoolBatch batch) override { inner_->Append(std::move(batch)); }
  void Settle(std::span<const Settlement> settled) override { inner_->Settle(settled); }
  void Note(std::span<const Progress> progress) override { inner_->Note(progress); }
  void Load(std::span<const SpoolSeq> wanted) override { inner_->Load(wanted); }
  absl::Status Stop() override { return inner_->Stop(); }
  size_t UsedBytes() const override { return inner_->UsedBytes(); }
  size_t MaxBytes() const override { return inner_->MaxBytes(); }
  size_t PendingBytes() const override { return inner_->PendingBytes(); }
  size_t DeadLetterBytes() const override { return inner_->DeadLetterBytes(); }
  void Find(const StoredFilter& filter, StoredCallback callback) override {
    inner_->Find(filter, std::move(callback));
  }
  bool Healthy() const override { return healthy && inner_->Healthy(); }

 private:
  void OnCommitted(SpoolBatch batch) override {
    if (!held_) return events_->OnCommitted(std::move(batch));
    commits_.push_back(std::move(batch));
  }
  void OnLoaded(std::vector<SpoolRowPtr> rows) override {
    if (!held_) return events_->OnLoaded(std::move(rows));
    loads_.push_back(std::move(rows));
  }
  void OnFault(absl::Status status) override { events_->OnFault(std::move(status)); }

  std::unique_ptr<Spool> inner_;
  SpoolEvents* events_ = nullptr;
  bool held_ = false;
  std::deque<SpoolBatch> commits_;
  std::deque<std::vector<SpoolRowPtr>> loads_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_HELD_SPOOL_H_
