// A spool in memory that outlives its router: what a disk is to a process that is killed.
#ifndef TALLYBUS_TESTS_CORE_SURVIVING_SPOOL_H_
#define TALLYBUS_TESTS_CORE_SURVIVING_SPOOL_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/spool.h"

namespace tallybus::testing {

// One thread. Everything that it is asked is done at once.
class SurvivingSpool final : public Spool {
 public:
  absl::Status Start(SpoolEvents& events, SpoolReader& reader) override {
    events_ = &events;
    reader.TakeLast(last_);
    for (const auto& [id, lane] : lanes_) reader.Take(lane);
    for (const auto& [seq, row] : rows_) {
      WaitingRow waiting;
      waiting.seq = seq;
      waiting.lane = row->lane;
      waiting.bytes = static_cast<uint32_t>(row->Bytes());
      waiting.terminal = row->event->terminal;
      waiting.accepted = row->accepted;
      if (auto noted = progress_.find(seq); noted != progress_.end()) {
        waiting.progress = noted->second;
      }
      reader.Take(waiting);
    }
    for (const auto& [epoch, publisher] : publishers_) reader.Take(publisher);
    for (const auto& [id, session] : sessions_) reader.Take(session);
    for (const auto& [key, live] : live_) reader.Take(live);
    for (const auto& [key, alert] : alerts_) reader.Take(alert);
    for (const auto& [route, endpoint] : endpoints_) reader.Take(endpoint);
    return absl::OkStatus();
  }

  void Append(SpoolBatch batch) override {
    for (const LaneRecord& lane : batch.lanes) lanes_[lane.id] = lane;
    for (LaneId lane : batch.forgotten_lanes) lanes_.erase(lane);
    for (const SpoolRowPtr& row : batch.rows) {
      rows_.emplace(row->seq, row);
      last_ = row->seq;
    }
    for (const DeadRow& letter : batch.dead) {
      dead_[letter.row->seq] = letter.row;
      last_ = letter.row->seq;
    }
    Settle(batch.settled);
    for (const PublisherRecord& publisher : batch.publishers) {
      publishers_[publisher.epoch] = publisher;
      if (publisher.state == PublisherRecord::State::kForgotten) publishers_.erase(publisher.epoch);
    }
    for (const SessionChange& session : batch.sessions) {
      sessions_[session.session_id] = session;
      if (session.action == SessionChange::Action::kClose) sessions_.erase(session.session_id);
    }
    for (const LiveRecord& live : batch.live) {
      live_[{live.source, live.key}] = live;
      if (live.json.empty()) live_.erase({live.source, live.key});
    }
    for (const EndpointRecord& endpoint : batch.endpoints) endpoints_[endpoint.route] = endpoint;
    for (const AlertRecord& alert : batch.alerts) {
      alerts_[{alert.name, alert.subject}] = alert;
      if (!alert.on) alerts_.erase({alert.name, alert.subject});
    }
    events_->OnCommitted(std::move(batch));
  }

  void Settle(std::span<const Settlement> settled) override {
    for (const Settlement& settlement : settled) {
      auto found = rows_.find(settlement.seq);
      if (found == rows_.end()) continue;
      if (settlement.IsDeadLetter()) dead_[settlement.seq] = found->second;
      rows_.erase(found);
      progress_.erase(settlement.seq);
    }
  }
  void Note(std::span<const Progress> progress) override {
    for (const Progress& noted : progress) progress_[noted.seq] = noted;
  }
  void Load(std::span<const SpoolSeq> wanted) override {
    std::vector<SpoolRowPtr> loaded;
    for (SpoolSeq seq : wanted) {
      if (auto found = rows_.find(seq); found != rows_.end()) loaded.push_back(found->second);
    }
    events_->OnLoaded(std::move(loaded));
  }
  absl::Status Stop() override { return absl::OkStatus(); }
  size_t UsedBytes() const override { return rows_.size() + dead_.size(); }
  size_t MaxBytes() const override { return size_t{1} << 30; }
  size_t PendingBytes() const override { return 0; }
  size_t DeadLetterBytes() const override { return dead_.size(); }
  void Find(const StoredFilter&, StoredCallback callback) override { callback(StoredPage()); }
  bool Healthy() const override { return true; }
  // As by a flipped bit.
  void LoseLanes() { lanes_.clear(); }

 private:
  SpoolEvents* events_ = nullptr;
  SpoolSeq last_ = 0;
  std::map<LaneId, LaneRecord> lanes_;
  std::map<SpoolSeq, SpoolRowPtr> rows_;
  std::map<SpoolSeq, SpoolRowPtr> dead_;
  std::map<SpoolSeq, Progress> progress_;
  std::map<uint64_t, PublisherRecord> publishers_;
  std::map<std::string, SessionChange> sessions_;
  std::map<std::pair<std::string, std::string>, LiveRecord> live_;
  std::map<std::string, EndpointRecord> endpoints_;
  std::map<std::pair<std::string, std::string>, AlertRecord> alerts_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CORE_SURVIVING_SPOOL_H_
