// Judges the ways of each route together: what arrived, in which order, and what holds up the rest.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <map>
#include <utility>

#include "tallybus/counted.h"
#include "tallybus/trace.h"
#include "trace_words.h"

namespace tallybus {
namespace {

struct Traveller {
  const TracedEvent* event;
  const TracedRoute* way;
};

// What one route, or one app that has none, did with the events.
struct Group {
  std::string route;
  std::vector<Traveller> ways;
};

struct Context {
  const Trace& trace;
  absl::Time now;
  absl::TimeZone zone;

  std::string At(absl::Time time) const { return TimeOfDay(time, now, zone); }

  // What is not known of the route is the default's.
  const RouteNow& Now(const std::string& name) const {
    static const RouteNow& unknown = *new RouteNow;  // threads may run at an exit
    const auto found = std::find_if(trace.routes.begin(), trace.routes.end(),
                                    [&name](const RouteNow& route) { return route.route == name; });
    return found == trace.routes.end() ? unknown : *found;
  }
};

bool Arrived(const TracedRoute& way) {
  return way.fate == Fate::kDelivered || way.fate == Fate::kFailedAnswer;
}

std::string StateVerb(EndpointState state) {
  return state == EndpointState::kBreakerOpen ? "down" : std::string(StateWords(state));
}

std::string InBrackets(const std::string& words) {
  return words.empty() ? "" : absl::StrCat(" (", words, ")");
}

// The last change of the route, where that is not to "open for business"; else nullptr.
const EndpointChange* NotOpen(const Context& context, const std::string& route) {
  const EndpointChange* last = nullptr;
  for (const EndpointChange& change : context.trace.endpoints) {
    if (change.route == route) last = &change;
  }
  return last != nullptr && last->state != EndpointState::kOpenForBusiness ? last : nullptr;
}

std::string NextAttempt(const Context& context, absl::Time next) {
  if (next <= context.now) return "";
  return absl::StrCat("; next attempt in ", HowLong(next - context.now));
}

const HeldMethodStatus* HeldMethod(const RouteNow& route, const std::string& method) {
  const auto held =
      std::find_if(route.held_methods.begin(), route.held_methods.end(),
                   [&method](const HeldMethodStatus& status) { return status.method == method; });
  return held == route.held_methods.end() ? nullptr : &*held;
}

std::string WaitingSentence(const Context& context, const TracedEvent& event,
                            const TracedRoute& way) {
  const TracedAttempt& last = way.last;
  if (last.number != 0 && last.failed == absl::InfinitePast()) {
    return absl::StrCat("In flight: attempt ", last.number, " to ", way.route, " began ",
                        HowLong(context.now - last.begun), " ago and is not answered yet.");
  }
  const RouteNow& route = context.Now(way.route);
  if (!route.configured) {
    return absl::StrCat("Still waiting: the route ", way.route,
                        " is not configured. Configure one of that name, or have its rows made "
                        "dead letters: tallybus endpoint disable ",
                        way.route, ".");
  }
  if (const EndpointChange* change = NotOpen(context, way.route)) {
    return absl::StrCat("Still waiting: ", way.route, " has been ", StateVerb(change->state),
                        " since ", context.At(change->at), InBrackets(change->reason),
                        NextAttempt(context, route.next_try), ".");
  }
  if (const HeldMethodStatus* held = HeldMethod(route, event.method)) {
    return absl::StrCat("Still waiting: ", way.route, " has not taken ", event.method, " since ",
                        context.At(held->since), " (", held->reason, ")",
                        NextAttempt(context, held->next_try), ".");
  }
  if (last.number == 0) {
    return absl::StrCat("Still waiting for its first attempt to ", way.route, " since ",
                        context.At(way.begun), NextAttempt(context, route.next_try), ".");
  }
  return absl::StrCat("Still waiting after ", Counted(last.number, "attempt"), " to ", way.route,
                      " (", FailureWords(last), ")",
                      NextAttempt(context, std::max(way.next_attempt, route.next_try)), ".");
}

std::string AtWhichAttempt(const Context& context, const TracedEvent& event,
                           const TracedRoute& way) {
  std::string out;
  if (way.last.number == 1) out = " at the first attempt";
  if (way.last.number > 1) out = absl::StrCat(" at the ", Ordinal(way.last.number), " attempt");
  if (way.replayed && !way.resumed) {
    return absl::StrCat(out, " after ", HowLong(way.settled - way.begun),
                        ", having been sent again by hand at ", context.At(way.begun));
  }
  if (way.replayed) out += ", having been sent again by hand";
  if (event.resumed || way.resumed) {
    return absl::StrCat(out, "; what came before this process took it up is not known");
  }
  return absl::StrCat(out, " after ", HowLong(way.settled - event.accepted));
}

std::string DeadLetter(const TracedEvent& event) {
  return absl::StrCat("it is a dead letter: tallybus spool retry --id ", event.id.ToString(), ".");
}

std::string LastFailure(const TracedRoute& way) {
  if (!way.why.empty()) return InBrackets(way.why);
  if (way.last.failed == absl::InfinitePast()) return "";
  return InBrackets(FailureWords(way.last));
}

std::string GivenUp(const TracedEvent& event, const TracedRoute& way) {
  const std::string attempts =
      way.last.number == 0 ? "" : absl::StrCat(" after ", Counted(way.last.number, "attempt"));
  return absl::StrCat("Given up", attempts, LastFailure(way), "; ", DeadLetter(event));
}

std::string TurnedAway(const Context& context, const TracedEvent& event, const TracedRoute& way) {
  const EndpointChange* change = NotOpen(context, way.route);
  const bool told = change != nullptr && change->state == EndpointState::kDisabled;
  return absl::StrCat("Not delivered: ", way.route, " was disabled",
                      told ? InBrackets(change->reason) : LastFailure(way),
                      "; it is a dead letter. Once the endpoint takes events again (tallybus "
                      "endpoint enable ",
                      way.route, "): tallybus spool retry --id ", event.id.ToString(), ".");
}

std::string SettledSentence(const Context& context, const TracedEvent& event,
                            const TracedRoute& way) {
  switch (*way.fate) {
    case Fate::kDelivered:
      return absl::StrCat("Delivered", AtWhichAttempt(context, event, way), ".");
    case Fate::kFailedAnswer:
      return absl::StrCat("Arrived", AtWhichAttempt(context, event, way), ", and ", way.route,
                          " answered with a failure", LastFailure(way),
                          ", which settles an event of this route.");
    case Fate::kGivenUp:
      return GivenUp(event, way);
    case Fate::kRejected:
      return absl::StrCat("Rejected by ", way.route, LastFailure(way), "; ", DeadLetter(event));
    case Fate::kGone:
      return TurnedAway(context, event, way);
    case Fate::kShed:
      return absl::StrCat("Shed: ", way.route, " was over its share of the spool.");
    case Fate::kCoalesced:
      return "Coalesced: a newer event of the same status went in its place.";
    case Fate::kDropped:
      return "Dropped by hand before it was delivered.";
  }
  return "Settled.";
}

std::string WaySentence(const Context& context, const Traveller& one) {
  if (one.way->not_sent) {
    std::string words = NeverSentWords(*one.event, *one.way);
    words[0] = 'N';
    return words + ".";
  }
  return one.way->fate ? SettledSentence(context, *one.event, *one.way)
                       : WaitingSentence(context, *one.event, *one.way);
}

// When it arrived; what has not yet arrived comes later than all that did.
absl::Time ArrivalOf(const TracedRoute& way) {
  return Arrived(way) ? way.settled : absl::InfiniteFuture();
}

// Empty where no lane has two of them that can be compared.
std::string OrderWords(const std::vector<Traveller>& ways) {
  std::map<uint64_t, std::vector<const TracedRoute*>> lanes;
  for (const Traveller& one : ways) {
    if (!one.way->not_sent && (Arrived(*one.way) || !one.way->fate)) {
      lanes[one.way->lane].push_back(one.way);
    }
  }
  bool comparable = false;
  for (auto& [lane, rows] : lanes) {
    std::sort(rows.begin(), rows.end(), [](const TracedRoute* a, const TracedRoute* b) {
      return a->lane_sequence < b->lane_sequence;
    });
    for (size_t i = 1; i < rows.size(); ++i) {
      comparable = comparable || Arrived(*rows[i]);
      if (ArrivalOf(*rows[i]) >= ArrivalOf(*rows[i - 1])) continue;
      return absl::StrCat(", not in order: number ", rows[i]->lane_sequence,
                          " of its lane arrived before number ", rows[i - 1]->lane_sequence);
    }
  }
  if (!comparable) return "";
  return lanes.size() > 1 ? ", each lane in order" : ", in order";
}

std::string AllOf(size_t count) { return count == 2 ? "Both" : absl::StrCat("All ", count); }

// What is counted together, with the reason where that is the same for all.
std::string KindOf(const Traveller& one) {
  if (one.way->not_sent) return NeverSentWords(*one.event, *one.way);
  if (!one.way->fate) return "waiting";
  if (*one.way->fate == Fate::kFailedAnswer) return "answered with a failure";
  if (*one.way->fate == Fate::kGone) return "not delivered";
  return std::string(FateWord(*one.way->fate));
}

struct Kind {
  std::string words;
  std::vector<Traveller> ways;
};

// The delivered first, if there are any.
std::vector<Kind> KindsOf(const std::vector<Traveller>& ways) {
  std::vector<Kind> kinds = {{std::string(FateWord(Fate::kDelivered)), {}}};
  for (const Traveller& one : ways) {
    const std::string words = KindOf(one);
    auto kind = std::find_if(kinds.begin(), kinds.end(),
                             [&words](const Kind& k) { return k.words == words; });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {words, {}});
    kind->ways.push_back(one);
  }
  if (kinds.front().ways.empty()) kinds.erase(kinds.begin());
  return kinds;
}

// Empty where the kind's words say it all.
std::string KindSentence(const Context& context, const Kind& kind) {
  const Traveller& first = kind.ways.front();
  if (first.way->not_sent || first.way->fate == Fate::kDelivered) return "";
  const bool for_all = !first.way->fate && NotOpen(context, first.way->route) != nullptr;
  const std::string prefix =
      for_all || kind.ways.size() == 1 ? " " : absl::StrCat(" The first ", kind.words, ": ");
  return prefix + WaySentence(context, first);
}

// "Both delivered, in order." or "3 of 5 delivered, in order; 2 waiting.", then why.
std::string ManySentence(const Context& context, const std::vector<Traveller>& ways) {
  const std::vector<Kind> kinds = KindsOf(ways);
  std::string out = kinds.size() == 1
                        ? AllOf(ways.size())
                        : absl::StrCat(kinds.front().ways.size(), " of ", ways.size());
  absl::StrAppend(&out, " ", kinds.front().words, OrderWords(ways));
  for (size_t i = 1; i < kinds.size(); ++i) {
    absl::StrAppend(&out, "; ", kinds[i].ways.size(), " ", kinds[i].words);
  }
  const auto again = std::count_if(ways.begin(), ways.end(),
                                   [](const Traveller& one) { return one.way->replayed; });
  if (again > 0) absl::StrAppend(&out, "; ", again, " of them sent again by hand");
  out += ".";
  for (const Kind& kind : kinds) out += KindSentence(context, kind);
  return out;
}

// The times that the endpoint was not open while the ways were under way, where they are over.
std::string OutageSentence(const Context& context, const Group& group) {
  const EndpointChange* first = nullptr;
  const EndpointChange* began = nullptr;
  absl::Time ended = absl::InfinitePast();
  std::string state;
  size_t outages = 0;
  for (const EndpointChange& change : context.trace.endpoints) {
    if (change.route != group.route) continue;
    if (change.state != EndpointState::kOpenForBusiness) {
      if (first == nullptr) first = &change;
      if (began == nullptr) began = &change;
      if (change.state != first->state) state = "not open";
    } else if (began != nullptr) {
      ++outages;
      ended = change.at;
      began = nullptr;
    }
  }
  if (outages == 0) return "";
  if (state.empty()) state = StateVerb(first->state);
  if (outages > 1) absl::StrAppend(&state, " ", outages, " times");
  return absl::StrCat(" The endpoint was ", state, outages > 1 ? " between " : " from ",
                      context.At(first->at), outages > 1 ? " and " : " to ", context.At(ended),
                      ".");
}

// An event's newest way to a route stands for those before it, which were replayed.
void AddWays(const TracedEvent& event, std::vector<Group>* groups) {
  for (auto way = event.routes.begin(); way != event.routes.end(); ++way) {
    const bool superseded =
        std::any_of(way + 1, event.routes.end(),
                    [way](const TracedRoute& newer) { return newer.route == way->route; });
    if (superseded) continue;
    auto group = std::find_if(groups->begin(), groups->end(),
                              [way](const Group& g) { return g.route == way->route; });
    if (group == groups->end()) group = groups->insert(groups->end(), {way->route, {}});
    group->ways.push_back({&event, &*way});
  }
}

std::string GroupSentence(const Context& context, const Group& group) {
  const std::string sentence = group.ways.size() == 1 ? WaySentence(context, group.ways.front())
                                                      : ManySentence(context, group.ways);
  return sentence + OutageSentence(context, group);
}

std::string NoWaySentence(const std::vector<const TracedEvent*>& events) {
  for (const TracedEvent* event : events) {
    if (event->routes_forgotten) return "Accepted; what came of it is no longer kept.";
  }
  return events.size() == 1 ? "Accepted; nothing more is known of it yet."
                            : "Accepted; nothing more is known of them yet.";
}

// The router's ErrorEvents and alerts tell of others. The end that it makes in an engine's place is
// an event of the stream like any other.
bool TellsOfOthers(const TracedEvent& event) {
  return event.from_router && (event.method == kErrorEvent || event.method == kAlertEvent);
}

// What tells of others counts where there are no others.
std::vector<const TracedEvent*> Subjects(const Trace& trace) {
  std::vector<const TracedEvent*> events;
  for (bool of_others : {false, true}) {
    for (const TracedEvent& event : trace.events) {
      if (TellsOfOthers(event) == of_others) events.push_back(&event);
    }
    if (!events.empty()) break;
  }
  return events;
}

}  // namespace

std::string ClosingSentence(const Trace& trace, absl::Time now, absl::TimeZone zone) {
  const std::vector<const TracedEvent*> events = Subjects(trace);
  if (events.empty()) {
    return "Not known here: this process has seen nothing of it (it keeps the last 65,536 events), "
           "and no row of the spool that waits or is dead is of it (what is retained is found by "
           "its id).";
  }
  const Context context{trace, now, zone};
  std::vector<Group> groups;
  for (const TracedEvent* event : events) AddWays(*event, &groups);
  if (groups.empty()) return NoWaySentence(events);
  std::vector<std::string> sentences;
  for (const Group& group : groups) {
    const std::string prefix = groups.size() == 1 ? "" : group.route + ": ";
    sentences.push_back(prefix + GroupSentence(context, group));
  }
  if (trace.left_out > 0) {
    sentences.push_back(absl::StrCat("(Left out: ", Counted(trace.left_out, "older event"), ".)"));
  }
  return absl::StrJoin(sentences, " ");
}

}  // namespace tallybus
