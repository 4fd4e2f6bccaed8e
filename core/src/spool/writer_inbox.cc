// What is asked is gathered under one mutex, and taken by the spool's thread.
#include "spool/writer_inbox.h"

#include <algorithm>
#include <iterator>

namespace tallybus {
namespace {

template <typename List>
void Move(List& from, List* to) {
  to->insert(to->end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

}  // namespace

template <typename Add>
void WriterInbox::Ask(Add add) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    const bool idle = asked_for_.empty();
    const bool reads = asked_for_.HasReads();
    const bool events = !asked_for_.batches.empty();
    const bool enough = asked_bytes_ >= kEnoughBytes;
    add(asked_for_);
    wake = idle || reads != asked_for_.HasReads() || events == asked_for_.batches.empty() ||
           enough != (asked_bytes_ >= kEnoughBytes);
  }
  if (wake) asked_.notify_one();
}

void WriterInbox::Append(SpoolBatch batch) {
  Ask([&](SpoolWork& work) {
    asked_bytes_ += batch.Bytes();
    work.batches.push_back(std::move(batch));
  });
}

void WriterInbox::Settle(std::span<const Settlement> settled) {
  Ask([&](SpoolWork& work) {
    work.settled.insert(work.settled.end(), settled.begin(), settled.end());
  });
}

void WriterInbox::Note(std::span<const Progress> progress) {
  Ask([&](SpoolWork& work) {
    work.progress.insert(work.progress.end(), progress.begin(), progress.end());
  });
}

void WriterInbox::Load(std::vector<SpoolSeq> wanted, std::optional<SeqRange> ahead) {
  Ask([&](SpoolWork& work) {
    Move(wanted, &work.wanted);
    if (ahead) work.ahead.push_back(*ahead);
  });
}

void WriterInbox::Find(const StoredFilter& filter, StoredCallback callback) {
  Ask([&](SpoolWork& work) { work.finds.emplace_back(filter, std::move(callback)); });
}

void WriterInbox::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_one();
}

WriterInbox::Turn WriterInbox::Take(bool healthy, std::chrono::milliseconds idle, SpoolWork* work) {
  std::unique_lock lock(mutex_);
  if (!healthy) {
    asked_.wait_for(lock, kFaultEvery, [this] { return stopping_ || asked_for_.HasReads(); });
    // A stop waits for no disk: there is one last try.
    MoveTo(work, stopping_);
    return stopping_ ? Turn::kStopped : Turn::kCommits;
  }
  const auto something = [this] { return stopping_ || !asked_for_.empty(); };
  if (work->empty()) asked_.wait_for(lock, idle, something);
  const bool due = AwaitDue(lock, *work);
  MoveTo(work, false);
  if (stopping_ && work->empty()) return Turn::kStopped;
  if (!due) return Turn::kReads;
  size_t rows = 0;
  for (const SpoolBatch& batch : work->batches) rows += batch.rows.size();
  if (rows > 0) under_load_ = rows >= kManyRows;
  return Turn::kCommits;
}

bool WriterInbox::AwaitDue(std::unique_lock<std::mutex>& lock, const SpoolWork& held) {
  if (held.batches.empty()) events_due_.reset();
  if (!held.HasVerdicts()) verdicts_due_.reset();
  for (;;) {
    const MonoTime now = clock_.Now();
    const bool events = !asked_for_.batches.empty();
    if ((events || !held.batches.empty()) && !events_due_) {
      events_due_ = under_load_ ? now + absl::FromChrono(kLinger) : now;
    }
    if ((asked_for_.HasVerdicts() || held.HasVerdicts()) && !verdicts_due_) {
      verdicts_due_ = now + absl::FromChrono(kSettlementWindow);
    }
    const MonoTime until = std::min(events_due_.value_or(MonoTime::Infinite()),
                                    verdicts_due_.value_or(MonoTime::Infinite()));
    if (stopping_ || asked_bytes_ >= kEnoughBytes || now >= until) return true;
    if (!asked_for_.finds.empty() && until != MonoTime::Infinite()) return true;
    if (asked_for_.HasReads() || until == MonoTime::Infinite()) return false;
    asked_.wait_for(lock, absl::ToChronoNanoseconds(until - now), [&] {
      return stopping_ || asked_for_.HasReads() || events == asked_for_.batches.empty() ||
             asked_bytes_ >= kEnoughBytes;
    });
  }
}

void WriterInbox::MoveTo(SpoolWork* work, bool all_batches) {
  Move(asked_for_.settled, &work->settled);
  Move(asked_for_.progress, &work->progress);
  Move(asked_for_.wanted, &work->wanted);
  Move(asked_for_.ahead, &work->ahead);
  Move(asked_for_.finds, &work->finds);
  size_t bytes = 0;
  for (const SpoolBatch& batch : work->batches) bytes += batch.Bytes();
  auto end = asked_for_.batches.begin();
  while (end != asked_for_.batches.end() && (all_batches || bytes < kTransactionBytes)) {
    bytes += end->Bytes();
    asked_bytes_ -= (end++)->Bytes();
  }
  std::move(asked_for_.batches.begin(), end, std::back_inserter(work->batches));
  asked_for_.batches.erase(asked_for_.batches.begin(), end);
}

}  // namespace tallybus
