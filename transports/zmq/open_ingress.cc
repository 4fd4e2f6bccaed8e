// Reads the open bus in batches.
#include "transports/zmq/open_ingress.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "tallybus/counted.h"

namespace tallybus::zmq_transport {
namespace {

constexpr absl::Duration kTickEvery = absl::Seconds(1);
constexpr size_t kBatchBytes = size_t{256} << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<OpenIngress>> OpenIngress::Bind(zmq::context_t& context,
                                                               const std::string& endpoint,
                                                               Parts parts) {
  auto bound = BoundSocket::Bind(context, zmq::socket_type::pull, "listen.open", endpoint);
  if (!bound.ok()) return bound.status();
  return std::unique_ptr<OpenIngress>(new OpenIngress(*std::move(bound), std::move(parts)));
}

OpenIngress::OpenIngress(BoundSocket bound, Parts parts)
    : bound_(std::move(bound)),
      parts_(std::move(parts)),
      log_(parts_.log, parts_.clock),
      dropped_(parts_.metrics.GetCounter("tallybus_open_bus_dropped_total",
                                         "Good events of the open bus that found no room")) {}

bool OpenIngress::Receive() {
  if (IsPaused()) return true;  // there may be more: its descriptor tells of that once
  IngressBatch batch;
  size_t bytes = 0;
  std::vector<zmq::message_t> frames;
  bool more = true;
  for (int i = 0; i < kMessagesATurn && more; ++i) {
    more = bound_.Receive(2, &frames);
    if (!more) break;
    absl::StatusOr<Event> event = Decode(frames);
    if (event.ok() && event->method == kHeartbeatMethod) {
      if (nodes_.Beat(event->node_id, parts_.clock.Now())) {
        Tell(event->node_id, PublisherChange::Action::kHello);
      }
    } else if (event.ok()) {
      nodes_.Heard(event->node_id, parts_.clock.Now());
      bytes += event->MemoryBytes();
      batch.records.push_back(*std::move(event));
      if (bytes < kBatchBytes) continue;
      HandOver(std::exchange(batch, {}));
      bytes = 0;
    } else {
      CountMalformed(event.status(), frames);
    }
  }
  HandOver(std::move(batch));
  return more;
}

absl::StatusOr<Event> OpenIngress::Decode(const std::vector<zmq::message_t>& frames) const {
  if (frames.size() != 2) return Malformed("frames", "the open bus takes two: method and body");
  const std::string_view method = Text(frames[0]);
  const std::string_view body = Text(frames[1]);
  EventDefaults defaults;
  defaults.node_id = parts_.node_id;
  defaults.now = parts_.clock.WallNow();
  if (!IsValidMethod(method) || body.empty() || body[0] == '{') {
    return EventFromJson(method, body, defaults);
  }
  defaults.method = method;
  absl::StatusOr<Event> event = EventFromEnvelope(body, defaults);
  if (event.ok()) event->id = {};  // of the router's own epoch: nobody vouches for this one's
  return event;
}

void OpenIngress::CountMalformed(const absl::Status& status,
                                 const std::vector<zmq::message_t>& frames) {
  const std::string_view reason = MalformedReason(status);
  parts_.metrics
      .GetCounter("tallybus_malformed_total", "Malformed messages, by bus and reason",
                  {{"bus", "open"}, {"reason", std::string(reason)}})
      .Add();
  // A lone frame is most likely a body whose sender forgot the method: its bytes are private.
  const std::string method =
      frames.size() == 1 ? ""
                         : absl::StrCat("; method \"", EscapedPrefix(Text(frames.front())), "\"");
  log_.Write(LogLevel::kWarning,
             absl::StrCat("open bus: dropped a malformed message: ", status.message(), method));
}

void OpenIngress::Restore(const std::vector<std::string>& nodes) {
  for (const std::string& node : nodes) nodes_.Beat(node, parts_.clock.Now());
}

MonoTime OpenIngress::Tick() {
  const MonoTime now = parts_.clock.Now();
  if (now - ticked_ < kTickEvery) return ticked_ + kTickEvery;
  ticked_ = now;
  for (const std::string& node : nodes_.TakeLost(now, parts_.grace)) {
    log_.Write(LogLevel::kError, absl::StrCat("open bus: \"", EscapedPrefix(node, 128),
                                              "\" is lost: its heartbeats stopped"));
    Tell(node, PublisherChange::Action::kLost);
  }
  return now + kTickEvery;
}

// Taken even where there is no room for events.
void OpenIngress::Tell(const std::string& node, PublisherChange::Action action) {
  IngressBatch batch;
  batch.records.emplace_back(PublisherChange{action, SourceOfNode(node), 0, node});
  absl::Status status = parts_.sink.Accept(std::move(batch));
  if (!status.ok()) log_.Write(LogLevel::kWarning, status.ToString());
}

void OpenIngress::HandOver(IngressBatch batch) {
  if (batch.records.empty() || parts_.sink.Accept(std::move(batch)).ok()) return;
  // Refused whole and left untouched: what fits is taken singly.
  size_t dropped = 0;
  absl::Status refused;
  // NOLINTNEXTLINE(bugprone-use-after-move): Accept leaves what it refuses as it was
  for (IngressRecord& record : batch.records) {
    IngressBatch single;
    single.records.push_back(std::move(record));
    absl::Status status = parts_.sink.Accept(std::move(single));
    if (status.ok()) continue;
    ++dropped;
    refused = status;
  }
  if (dropped == 0) return;
  dropped_.Add(dropped);
  log_.Write(LogLevel::kError, absl::StrCat("open bus: dropped ", Counted(dropped, "event"), ": ",
                                            refused.message()));
}

}  // namespace tallybus::zmq_transport
