// The seam between a bus and the router: batches of records in, durable watermarks back.
#ifndef TALLYBUS_INGRESS_H_
#define TALLYBUS_INGRESS_H_

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tallybus/event.h"

namespace tallybus {

// A session opened, changed or closed in an engine.
struct SessionChange {
  enum class Action { kOpen, kUpdate, kClose };
  Action action = Action::kOpen;
  std::string session_id;
  std::string app_key;
  std::optional<std::string> rest_client_config;  // JSON; none: the app's own governs
  uint64_t epoch = 0;                             // of the publisher that said so
};

// Something about the publisher itself, which the router keeps with what it is about.
struct PublisherChange {
  enum class Action {
    kHello,
    kBye,        // it closed by its own will: nothing of it is lost
    kLost,       // it is not heard of any more: what it left live has ended
    kForgotten,  // too long ago to come back
    kDropped,    // it had no room for some events: see `dropped`
  };
  Action action = Action::kHello;
  std::string source;  // SourceOfEpoch or SourceOfNode
  uint64_t epoch = 0;  // 0: a node of the open bus
  std::string node_id;
  uint64_t dropped = 0;  // events since it last said so
};

// What a publisher says of a stream that began earlier: true before its first record.
struct StreamStated {
  Event status;  // the last one, under its own id
};

// A record that a bus took over, and that is no event: its bytes are kept as a dead letter.
struct RejectedRecord {
  EventId id;
  std::string node_id;
  std::string reason;
  std::string bytes;
};

// What came of an Ask.
struct AskAnswer {
  bool accepted = false;
  // Why it was declined; where it was accepted all the same, what went wrong. Fit for a client:
  // an ErrorEvent's `info`, or words of ours.
  std::string reason;
  std::string json;                      // the answer's object; empty: there is none
  std::optional<SessionChange> session;  // that an accepted `connect` opened
};

// A call that the backend may refuse: sent at once, outside of all lanes, one time.
struct Ask {
  Event event;
  absl::Time expires;  // nobody waits for the answer then
  // [router] Called exactly once, unless the router ends first. Must not block.
  std::function<void(AskAnswer)> answer;
};

using IngressRecord =
    std::variant<Event, SessionChange, PublisherChange, StreamStated, RejectedRecord, Ask>;

// Names a publisher of the acknowledged bus, and a node of the open bus.
std::string SourceOfEpoch(uint64_t epoch);
std::string SourceOfNode(std::string_view node_id);

// Everything up to and including `through` of this publisher is in the batch or before it.
struct Watermark {
  uint64_t epoch = 0;
  uint64_t through = 0;
};

// Taken whole or not at all.
struct IngressBatch {
  std::vector<IngressRecord> records;
  std::optional<Watermark> watermark;  // none on a bus that does not acknowledge

  size_t MemoryBytes() const;
  bool HoldsEvents() const;  // or what becomes a dead letter
  bool HoldsTerminal() const;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // [any thread] Never blocks. Events with epoch 0 get an id of the router's own.
  // RESOURCE_EXHAUSTED: no room for events; the batch is untouched: hold it back, or count and
  // drop it. A batch without events is taken all the same.
  // UNAVAILABLE: shutting down.
  virtual absl::Status Accept(IngressBatch&& batch) = 0;
  // [any thread] True while what was accepted waits for the disk: a bus that can leave events where
  // they are does so for a moment. Accept refuses when it is left unheard.
  virtual bool IsBehind() const = 0;
  // [any thread] False while Accept would refuse an ordinary batch.
  virtual bool HasRoom() const = 0;
};

class EngineCommands {
 public:
  virtual ~EngineCommands() = default;
  // [router] Asks the engine of that epoch to end the stream, best effort. Never blocks. False: it
  // is not connected.
  virtual bool Terminate(uint64_t epoch, const Event& stream, std::string_view reason) = 0;
  // [router] The router knows this session no more, though nobody closed it.
  virtual void ForgetSession(std::string_view session_id) = 0;
};

class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // [router] Everything up to the watermark is committed to the spool.
  virtual void OnDurable(const Watermark& watermark) = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_INGRESS_H_
