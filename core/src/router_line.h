// The router's inside: the five steps, what they share, and what the dispatcher tells back.
#ifndef TALLYBUS_ROUTER_LINE_H_
#define TALLYBUS_ROUTER_LINE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "alerts.h"
#include "client_gates.h"
#include "delivery/dispatcher.h"
#include "delivery/error_watch.h"
#include "flight_recorder.h"
#include "held_events.h"
#include "keep_alives.h"
#include "live_table.h"
#include "policy/decision.h"
#include "router_counters.h"
#include "tallybus/limited_log.h"
#include "tallybus/live_streams.h"
#include "tallybus/mailbox.h"
#include "tallybus/router.h"
#include "tallybus/session_table.h"

namespace tallybus {

class Router::Line final : public Outcomes, public SpoolReader {
 public:
  struct LastError {
    std::string words;
    absl::Time at;
  };

  explicit Line(Parts parts);

  absl::Status Accept(IngressBatch&& batch);
  bool IsBehind() const;
  bool HasRoom() const;
  void SetRoutes(RouteTable table);
  std::optional<MonoTime> Step();
  std::vector<LiveStreams> FindLive(const std::vector<LiveFilter>& filters,
                                    size_t most_bytes) const;
  LivePage FindPage(const LivePageFilter& filter);  // in live_pages.cc

  // What an earlier process left. In router_recovery.cc.
  void TakeLast(SpoolSeq last) override { last_seq_ = std::max(last_seq_, last); }
  void Take(LaneRecord lane) override { dispatcher.Restore(lane); }
  void Take(const WaitingRow& row) override { dispatcher.Restore(row); }
  void Take(PublisherRecord publisher) override;
  void Take(SessionChange session) override;
  void Take(LiveRecord live) override;
  void Take(EndpointRecord endpoint) override;
  void Take(AlertRecord alert) override { alerts.Restore(alert); }

  // What the dispatcher tells. In router_outcomes.cc.
  void OnAttempt(const SpoolRow& row, int attempt) override;
  bool WantsAnswer(const SpoolRow& row) const override {
    return !gates_.empty() && gates_.Find(row.seq) != nullptr;
  }
  void OnAnswer(const SpoolRow& row, std::string_view answer) override;  // router_overwrite.cc
  void OnAttemptFailed(const SpoolRow& row, const Failure& failure,
                       std::optional<MonoTime> next) override;
  void OnBuried(const SpoolRow& row, const Failure& failure) override;
  void OnSettled(const Settlement& settlement) override;
  void OnEndpoint(const EndpointQueue& queue) override;
  void OnFault(const absl::Status& status);

  void StopDispatch();  // in router_overwrite.cc

  Parts parts;
  std::shared_ptr<const RouteTable> routes = std::make_shared<RouteTable>();
  SessionTable sessions;
  Dispatcher dispatcher;
  Alerts alerts;
  FlightRecorder recorder;
  Mailbox<SpoolBatch> commits;
  Mailbox<std::vector<SpoolRowPtr>> loads;
  Mailbox<absl::Status> faults;
  Mailbox<std::function<void()>> tasks;
  std::vector<PublisherRecord> recovered;
  std::vector<std::string> recovered_nodes;
  std::atomic<bool> shutting_down{false};
  std::map<std::string, LastError, std::less<>> last_errors;  // by route
  // Settled rows that a batch under way takes out of the spool: nobody else may.
  absl::flat_hash_set<SpoolSeq> leaving;
  uint64_t accepted = 0;

 private:
  friend class RouterDesk;
  // What one turn of the inbox makes: one transaction, and what goes out beside it.
  struct Turn {
    SpoolBatch batch;
    std::vector<ClientCopy> copies;
    std::vector<SpoolRowPtr> of_the_moment;
  };

  // A call that waits for the backend's answer.
  struct OpenAsk {
    std::string method;
    std::string session_id;
    std::string app_key;
    uint64_t epoch = 0;  // of the engine that asks; 0: none does
    std::function<void(AskAnswer)> answer;
    RoutePtr route = nullptr;
    bool survives_failure = false;
    bool holds_events = false;  // those of its session
  };

  void Wake();
  size_t Unwritten() const;
  bool TakeInbox();
  void TakeRecord(IngressRecord&& record, Turn* turn);
  void TakeEvent(Event&& event, Turn* turn, const std::string* not_to = nullptr);
  void AddRow(const EventPtr& event, const Target& target, Turn* turn);
  void Bury(const RejectedRecord& rejected, Turn* turn);  // in router_outcomes.cc
  void Append(Turn turn);
  void Notify(const ClientCopy& copy);
  bool TakeCommits();
  void LeaveBehind(const std::vector<Settlement>& gone);  // in router_desk.cc
  bool TakeLoads();
  bool TakeFaults();
  bool TakeTasks();
  bool TakeOwnEvents();
  bool AskForWaiting();
  void FillStream(const LiveTable::Listed& listed, LiveRow* row);  // in live_pages.cc
  void NoteUndelivered(const Event& event, const Decision& decision, absl::Time now);
  void Housekeep();
  std::optional<MonoTime> NextDue();

  // In router_asks.cc.
  void TakeAsk(Ask&& ask, Turn* turn);
  bool TakeAnswers();
  void Decline(OpenAsk&& ask, std::string_view reason, Turn* turn);
  void Finish(OpenAsk&& ask, AskAnswer&& answer, Turn* turn);
  void LogFailedAsk(const OpenAsk& ask, int code, std::string_view reason);
  void TakeInOrder(const std::string& source, Event&& event, Turn* turn);
  bool IsThere(uint64_t engine) const;
  bool LetGoOfLeft();

  // In router_keep_alive.cc.
  absl::Duration KeepAliveOf(std::string_view app) const;
  void FollowLiveStreams();
  MonoTime SomewhenIn(absl::Duration interval);
  void Follow(const std::string& source, const Event& event);
  void KeepFollowing(const std::string& source, const Event& event, bool begins);
  bool KeepAlive();
  void EndByBackend(const SpoolRow& row, const Failure& failure);
  // In router_overwrite.cc.
  void ShutGate(const SpoolRow& row, const Target& target, ClientCopy* copy);
  void NotifyInOrder(ClientCopy&& copy);
  void NotifyAll(const std::vector<ClientCopy>& copies);
  void OpenGate(SpoolSeq row, GateEnd end);
  void OpenGatesOf(const EndpointQueue& queue);
  bool OpenDueGates();

  // In router_recovery.cc.
  void TakePublisher(const PublisherChange& change, Turn* turn);
  void TakeSession(SessionChange&& change, Turn* turn);
  void CloseSessionOf(const Event& end, Turn* turn);
  void ForgetSilentSessions();
  void NoteBeats(const PublisherChange& change, Turn* turn);
  void SupersedeEarlier(const PublisherChange& change, Turn* turn);
  void EndSuperseded(const std::string& source, const std::string& lane, Turn* turn);
  void Forget(const std::string& source, uint64_t epoch,
              const std::vector<std::string>& sessions_left, Turn* turn);
  void EndAll(const PublisherChange& change, std::string_view info, bool lost, Turn* turn);
  void NoteWatermark(const Watermark& watermark, SpoolBatch* batch);
  void NotePublisher(PublisherRecord record, SpoolBatch* batch);
  const std::string& SourceOf(const Event& event);
  void EndStaleStreams();
  void NoteDrops(const PublisherChange& change);
  void ForgetDrops();
  bool IsLost(const std::string& node_id) const;
  // In router_outcomes.cc.
  void Watch(const SpoolRow& row);
  void TellOf(const SpoolRow& row, const Failure& failure);
  void Resume(const SpoolRow& row);
  void RaiseEndpointAlerts(const EndpointQueue& queue);
  void CheckAlerts();
  void CheckClients(absl::Time now);

  std::atomic<std::thread::id> stepping_{};
  // Within Step, when this pass began: asking the clock five times for each event costs.
  absl::Time PassTime() const { return pass_time_ ? *pass_time_ : parts.clock.WallNow(); }
  std::optional<absl::Time> pass_time_;
  struct Accepted {
    IngressBatch batch;
    size_t bytes;
  };
  Mailbox<Accepted> inbox_;
  std::atomic<size_t> inbox_bytes_{0};
  std::atomic<size_t> refused_bytes_{0};  // of the batch that found no room; 0: one has, since
  std::atomic<bool> blocked_{false};
  ErrorWatch watch_;
  LiveTable live_;
  KeepAlives keep_alives_;
  bool keeps_alive_ = false;  // some app wants it
  std::minstd_rand random_;
  HeldEvents held_;
  std::vector<std::string> left_sessions_;  // of an earlier process's gateway
  size_t open_asks_ = 0;                    // of engines
  size_t open_gateway_asks_ = 0;            // of clients of our own
  std::vector<std::pair<OpenAsk, DeliveryResult>> answers_;
  LimitedLog ask_log_;
  absl::flat_hash_map<uint64_t, PublisherRecord> publishers_;  // by epoch
  absl::flat_hash_set<std::string> beating_nodes_;  // of the open bus: sources with a heartbeat
  absl::flat_hash_map<std::string, MonoTime> dropped_at_;  // last, by node that drops events
  std::pair<uint64_t, std::string> last_source_;
  std::string lane_;  // of the event that is taken
  // Loads that are for an ErrorEvent "waiting"; so many at a time, since each brings a body.
  static constexpr size_t kWaitingAsked = 64;
  absl::flat_hash_set<SpoolSeq> waiting_asked_;
  std::map<std::string, EndpointRecord, std::less<>> decided_;  // by route, as the spool has it
  struct OwnEvent {
    Event event;
    EventPtr about;
  };
  std::vector<OwnEvent> own_events_;
  ClientGates gates_;
  std::vector<EndpointRecord> decisions_;  // for the next transaction
  uint64_t last_sequence_ = 0;             // of ids that the router gives
  SpoolSeq last_seq_ = 0;
  MonoTime housekept_;
  const MonoTime started_;
  uint64_t client_gaps_ = 0;  // that the alert knows of
  MonoTime client_gap_at_;
  RouterCounters counters_;
};

}  // namespace tallybus

#endif  // TALLYBUS_ROUTER_LINE_H_
