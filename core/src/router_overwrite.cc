// restPolicy OVERWRITE: the clients' copy of an event waits for the backend's answer, what follows
// it in its stream waits behind it, and no other stream does.
#include <memory>
#include <utility>
#include <vector>

#include "policy/overwrite.h"
#include "router_line.h"

namespace tallybus {
namespace {

GateEnd EndOf(const Overwritten& overwritten) {
  switch (overwritten.answer) {
    case Overwritten::Answer::kEmpty:
      return GateEnd::kNoBody;
    case Overwritten::Answer::kNotJson:
      return GateEnd::kNotJson;
    case Overwritten::Answer::kObject:
      break;
  }
  return overwritten.replaced > 0 ? GateEnd::kOverwritten : GateEnd::kUnchanged;
}

}  // namespace

// Where no answer can be expected the copy goes as it is. Nothing of this is in the spool: after a
// restart the client has the copy or never gets it, and no answer is asked for.
void Router::Line::ShutGate(const SpoolRow& row, const Target& target, ClientCopy* copy) {
  if (parts.clients.empty()) return;  // nobody waits for it
  if (target.route->batch) return gates_.Count(GateEnd::kBatch);
  if (dispatcher.is_stopped()) return gates_.Count(GateEnd::kStopped);
  if (dispatcher.InOutage(row)) return gates_.Count(GateEnd::kEndpoint);
  copy->gate = std::make_unique<ClientGate>(
      ClientGate{.row = row.seq,
                 .route = target.route,
                 .fields = target.overwrite,
                 .until = parts.clock.Now() + dispatcher.TimeoutOf(row)});
}

void Router::Line::NotifyInOrder(ClientCopy&& copy) {
  if (copy.gate == nullptr && gates_.empty()) return Notify(copy);
  recorder.ToClients(copy.event->id,
                     copy.gate ? ClientOutcome::kAwaitsAnswer : ClientOutcome::kAwaitsTurn,
                     PassTime());
  NotifyAll(gates_.Take(std::move(copy)));
}

void Router::Line::NotifyAll(const std::vector<ClientCopy>& copies) {
  for (const ClientCopy& copy : copies) Notify(copy);
}

void Router::Line::OpenGate(SpoolSeq row, GateEnd end) {
  if (!gates_.empty()) NotifyAll(gates_.Open(row, end));
}

void Router::Line::OnAnswer(const SpoolRow& row, std::string_view answer) {
  const ClientCopy* copy = gates_.Find(row.seq);
  if (copy == nullptr) return;
  Overwritten overwritten = Overwrite(*copy->event, answer, copy->gate->fields);
  gates_.CountFields(overwritten);
  NotifyAll(gates_.Open(row.seq, EndOf(overwritten), std::move(overwritten.json)));
}

// What its endpoint will not be asked for now waits for nothing.
void Router::Line::OpenGatesOf(const EndpointQueue& queue) {
  if (gates_.empty()) return;
  const MonoTime now = parts.clock.Now();
  const auto fits = [&queue, now](const ClientCopy& copy) {
    return copy.gate->route->name == queue.route && queue.gate.InOutage(copy.event->method, now);
  };
  NotifyAll(gates_.OpenWhere(fits, GateEnd::kEndpoint));
}

bool Router::Line::OpenDueGates() {
  if (gates_.empty()) return false;
  const std::vector<ClientCopy> due = gates_.TakeDue(parts.clock.Now());
  NotifyAll(due);
  return !due.empty();
}

void Router::Line::StopDispatch() {
  dispatcher.StopDispatch();
  NotifyAll(gates_.OpenWhere([](const ClientCopy&) { return true; }, GateEnd::kStopped));
}

}  // namespace tallybus
