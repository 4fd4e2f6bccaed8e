// What the tests of spools share: rows, and someone who listens to a spool and can wait for it.
#ifndef TALLYBUS_TESTS_CORE_SPOOL_SPOOL_WATCHER_H_
#define TALLYBUS_TESTS_CORE_SPOOL_SPOOL_WATCHER_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/spool.h"
#include "tests/support/event_builder.h"

namespace tallybus::testing {

inline SpoolRowPtr Row(SpoolSeq seq, LaneId lane = 1, size_t padding = 0) {
  Event event = StatusEvent("stream-" + std::to_string(lane), "PUBLISHING");
  event.id = {0xfedcba9876543210u, seq};
  event.time = absl::FromUnixMicros(1'700'000'000'000'000 + static_cast<int64_t>(seq));
  event.json.insert(event.json.size() - 1, std::string(padding, ' '));
  auto row = std::make_shared<SpoolRow>();
  row->seq = seq;
  row->lane = lane;
  row->lane_sequence = seq;
  row->accepted = event.time + absl::Milliseconds(5);
  row->event = std::make_shared<const Event>(std::move(event));
  return row;
}

inline LaneRecord LaneOf(const SpoolRow& row) {
  return {row.lane, "backend", "defaultApp/stream-" + std::to_string(row.lane), row.lane_sequence,
          row.event->terminal};
}

// The rows with the counters of their lanes.
inline SpoolBatch BatchOf(std::vector<SpoolRowPtr> rows) {
  SpoolBatch batch;
  std::map<LaneId, LaneRecord> lanes;
  for (const SpoolRowPtr& row : rows) lanes[row->lane] = LaneOf(*row);
  for (auto& [id, lane] : lanes) batch.lanes.push_back(std::move(lane));
  batch.rows = std::move(rows);
  return batch;
}

inline Settlement Settled(const SpoolRow& row, Settlement::Outcome outcome) {
  Settlement settlement;
  settlement.seq = row.seq;
  settlement.outcome = outcome;
  settlement.bytes = static_cast<uint32_t>(row.Bytes());
  settlement.attempts = 3;
  settlement.http_status = 500;
  settlement.reason = "Internal Server Error";
  settlement.at = row.accepted + absl::Seconds(9);
  return settlement;
}

inline void Settle(Spool& spool, const SpoolRow& row, Settlement::Outcome outcome) {
  const Settlement settled[] = {Settled(row, outcome)};
  spool.Settle(settled);
}

inline bool SameEvent(const Event& a, const Event& b) {
  return a.id == b.id && a.time == b.time && a.method == b.method && a.node_id == b.node_id &&
         a.app_key == b.app_key && a.session_id == b.session_id &&
         a.media_session_id == b.media_session_id && a.name == b.name && a.status == b.status &&
         a.published == b.published && a.terminal == b.terminal && a.from_router == b.from_router &&
         a.json == b.json;
}

inline bool SameRow(const SpoolRow& a, const SpoolRow& b) {
  return a.seq == b.seq && a.lane == b.lane && a.lane_sequence == b.lane_sequence &&
         a.on_error == b.on_error && a.delivery == b.delivery && a.coalesced == b.coalesced &&
         a.replays == b.replays && a.accepted == b.accepted &&
         (a.event == nullptr) == (b.event == nullptr) &&
         (a.event == nullptr || SameEvent(*a.event, *b.event));
}

// What a store held at its start.
struct Found final : SpoolReader {
  void TakeLast(SpoolSeq seq) override { last = seq; }
  void Take(LaneRecord lane) override { lanes[lane.id] = std::move(lane); }
  void Take(const WaitingRow& row) override { waiting.push_back(row); }
  void Take(PublisherRecord publisher) override { publishers.push_back(std::move(publisher)); }
  void Take(SessionChange session) override { sessions.push_back(std::move(session)); }
  void Take(LiveRecord record) override { live.push_back(std::move(record)); }
  void Take(EndpointRecord endpoint) override { endpoints.push_back(std::move(endpoint)); }
  void Take(AlertRecord alert) override { alerts.push_back(std::move(alert)); }

  std::vector<SpoolSeq> Seqs() const {
    std::vector<SpoolSeq> seqs;
    for (const WaitingRow& row : waiting) seqs.push_back(row.seq);
    return seqs;
  }

  SpoolSeq last = 0;
  std::map<LaneId, LaneRecord> lanes;
  std::vector<WaitingRow> waiting;
  std::vector<PublisherRecord> publishers;
  std::vector<SessionChange> sessions;
  std::vector<LiveRecord> live;
  std::vector<EndpointRecord> endpoints;
  std::vector<AlertRecord> alerts;
};

// [any thread] Keeps what a spool said.
class SpoolWatcher final : public SpoolEvents {
 public:
  void OnCommitted(SpoolBatch batch) override {
    Change([&] {
      for (const SpoolRowPtr& row : batch.rows) committed_.push_back(row->seq);
      ++batches_;
    });
  }
  void OnLoaded(std::vector<SpoolRowPtr> rows) override {
    Change([&] { loaded_.insert(loaded_.end(), rows.begin(), rows.end()); });
  }
  void OnFault(absl::Status status) override {
    Change([&] { faults_.push_back(std::move(status)); });
  }

  // Waits until it holds; false after a long time. Nothing here takes longer but a failure.
  template <typename Holds>
  bool Until(Holds holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), holds);
  }
  bool UntilBatches(size_t count) {
    return Until([&] { return batches_ >= count; });
  }
  bool UntilLoaded(size_t count) {
    return Until([&] { return loaded_.size() >= count; });
  }
  bool UntilFaults(size_t count) {
    return Until([&] { return faults_.size() >= count; });
  }

  size_t batches() { return Get(batches_); }
  std::vector<SpoolSeq> committed() { return Get(committed_); }
  std::vector<absl::Status> faults() { return Get(faults_); }
  std::vector<SpoolRowPtr> TakeLoaded() {
    std::lock_guard lock(mutex_);
    return std::exchange(loaded_, {});
  }

 private:
  template <typename Act>
  void Change(Act act) {
    {
      std::lock_guard lock(mutex_);
      act();
    }
    changed_.notify_all();
  }
  template <typename T>
  T Get(const T& value) {
    std::lock_guard lock(mutex_);
    return value;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t batches_ = 0;
  std::vector<SpoolSeq> committed_;
  std::vector<SpoolRowPtr> loaded_;
  std::vector<absl::Status> faults_;
};

// Asks and waits for the answer.
inline StoredPage FindPage(Spool& spool, const StoredFilter& filter) {
  std::mutex mutex;
  std::condition_variable come;
  std::optional<absl::StatusOr<StoredPage>> answer;
  spool.Find(filter, [&](absl::StatusOr<StoredPage> page) {
    std::lock_guard lock(mutex);
    answer = std::move(page);
    come.notify_one();
  });
  std::unique_lock lock(mutex);
  come.wait_for(lock, std::chrono::seconds(60), [&] { return answer.has_value(); });
  if (!answer || !answer->ok()) {
    ADD_FAILURE() << (answer ? answer->status().ToString() : "no answer");
    return {};
  }
  return **std::move(answer);
}

// Every page of them.
inline std::vector<StoredRow> FindAll(Spool& spool, StoredFilter filter) {
  std::vector<StoredRow> rows;
  do {
    StoredPage page = FindPage(spool, filter);
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
    filter.after = page.next;
  } while (filter.after != 0);
  return rows;
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_SPOOL_SPOOL_WATCHER_H_
