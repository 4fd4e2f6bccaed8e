// From records to lines: one for each thing that happened, in the order of the clock.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "tallybus/counted.h"
#include "tallybus/trace.h"
#include "trace_words.h"

namespace tallybus {
namespace {

class StepList {
 public:
  void Add(absl::Time at, std::optional<size_t> event, std::string route, std::string what) {
    if (at == absl::InfinitePast()) return;
    steps_.push_back({at, event, std::move(route), std::move(what)});
  }

  // What happened at one moment stays in the order in which it was added.
  std::vector<TraceStep> Sorted() && {
    std::stable_sort(steps_.begin(), steps_.end(),
                     [](const TraceStep& a, const TraceStep& b) { return a.at < b.at; });
    return std::move(steps_);
  }

 private:
  std::vector<TraceStep> steps_;
};

std::string AcceptedWords(const TracedEvent& event) {
  if (event.resumed) return "accepted; what came until it was read is not known here";
  if (event.from_router) return "made by the router";
  if (event.time == absl::InfinitePast() || event.time > event.accepted) return "accepted";
  return absl::StrCat("accepted, ", HowLong(event.accepted - event.time),
                      " after the engine saw it");
}

std::string ClientWords(ClientOutcome outcome) {
  switch (outcome) {
    case ClientOutcome::kTold:
      return "handed to the session's clients";
    case ClientOutcome::kOverwritten:
      return "handed to the session's clients, with fields of the backend's answer";
    case ClientOutcome::kAwaitsAnswer:
      return "the clients' copy waits for the backend's answer";
    case ClientOutcome::kAwaitsTurn:
      return "the clients' copy waits behind an earlier one of its stream";
    case ClientOutcome::kNoSession:
      return "no session's client is told: it names none";
    case ClientOutcome::kNobody:
      return "no client is told: there is no client channel";
  }
  return "clients: not known";
}

std::string SettledWords(const TracedRoute& way) {
  switch (*way.fate) {
    case Fate::kDelivered:
      return "delivered";
    case Fate::kFailedAnswer:
      return "settled: any answer settles here, and this was a failure";
    case Fate::kGivenUp:
      return "given up: a dead letter";
    case Fate::kRejected:
      return "rejected: a dead letter";
    case Fate::kGone:
      return "not delivered: the endpoint is disabled; a dead letter";
    case Fate::kShed:
      return "shed: the route was over its share of the spool";
    case Fate::kCoalesced:
      return "coalesced: a newer event goes in its place";
    case Fate::kDropped:
      return "dropped by hand";
  }
  return "settled";
}

void AddAttempt(const TracedRoute& way, const TracedAttempt& attempt, bool again, size_t event,
                StepList& steps) {
  const std::string name = absl::StrCat("attempt ", attempt.number);
  steps.Add(attempt.begun, event, way.route, name);
  steps.Add(attempt.failed, event, way.route,
            absl::StrCat(name, " failed: ", FailureWords(attempt),
                         again ? "; it will be tried again" : ""));
}

void AddWay(const TracedEvent& traced, const TracedRoute& way, size_t event, StepList& steps) {
  if (way.not_sent) {
    steps.Add(way.begun, event, way.route, NeverSentWords(traced, way));
    return;
  }
  const char* begun = traced.method == kStreamKeepAliveEvent ? "for one attempt"
                      : way.resumed                          ? "loaded from the spool"
                      : way.replayed                         ? "sent again by hand, in the spool"
                                                             : "in the spool";
  steps.Add(way.begun, event, way.route,
            absl::StrCat(begun, ": row ", way.row, ", number ", way.lane_sequence, " of its lane"));
  if (way.first.number != 0) {
    const bool only = way.last.number == way.first.number;
    AddAttempt(way, way.first, !only || !way.fate, event, steps);
    const int between = way.last.number - way.first.number - 1;
    if (between > 0) {
      steps.Add(way.last.begun, event, way.route,
                absl::StrCat(Counted(static_cast<uint64_t>(between), "more attempt"),
                             " failed before this"));
    }
    if (!only) AddAttempt(way, way.last, !way.fate, event, steps);
  }
  if (way.fate) {
    steps.Add(way.settled, event, way.route,
              absl::StrCat(SettledWords(way), way.why.empty() ? "" : ": ", way.why));
  }
}

}  // namespace

std::vector<TraceStep> StepsOf(const Trace& trace) {
  StepList steps;
  for (const EndpointChange& change : trace.endpoints) {
    steps.Add(change.at, std::nullopt, change.route,
              absl::StrCat("endpoint ", std::string(StateWords(change.state)),
                           change.reason.empty() ? "" : ": ", change.reason));
  }
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const TracedEvent& event = trace.events[i];
    steps.Add(event.accepted, i, "", AcceptedWords(event));
    if (event.clients) steps.Add(event.clients_at, i, "", ClientWords(*event.clients));
    if (event.routes_forgotten) {
      steps.Add(event.accepted, i, "", "what came of it on some routes is no longer kept");
    }
    for (const TracedRoute& way : event.routes) AddWay(event, way, i, steps);
  }
  return std::move(steps).Sorted();
}

}  // namespace tallybus
