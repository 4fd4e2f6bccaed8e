// The sentences of a transport's contract.
#include "apps/conformance/checks.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "apps/conformance/arrived.h"

namespace tallybus::conformance {
namespace {

// Far beyond what any peer here needs.
constexpr absl::Duration kPatience = absl::Seconds(10);

Bench::Options Within(absl::Duration timeout) {
  Bench::Options options;
  options.timeout = timeout;
  return options;
}

// The first thing that is not as it must be.
class Findings {
 public:
  void Expect(bool holds, const std::string& otherwise) {
    if (!holds && why_.empty()) why_ = otherwise;
  }
  void ExpectVerdict(const DeliveryResult& result, Verdict verdict) {
    Expect(result.verdict == verdict, absl::StrCat("the verdict is \"", WordOf(result.verdict),
                                                   "\", not \"", WordOf(verdict), "\""));
  }
  void ExpectNoAnswer(const DeliveryResult& result) {
    ExpectVerdict(result, Verdict::kRetryLater);
    Expect(result.remote_code == 0, "the result has a code, though no answer came");
  }
  void ExpectReason(const DeliveryResult& result, const std::string& reason) {
    Expect(result.reason == reason,
           absl::StrCat("the reason is \"", result.reason, "\", not \"", reason, "\""));
  }
  void ExpectArrivals(size_t arrived, size_t sent) {
    Expect(arrived == sent, absl::StrCat(arrived, " of ", sent, " arrived"));
  }
  Outcome outcome() const {
    return why_.empty() ? Outcome{} : Outcome{Outcome::Kind::kFailed, why_};
  }

 private:
  std::string why_;
};

Outcome Failed(const std::string& why) { return {Outcome::Kind::kFailed, why}; }
Outcome NotChecked(const std::string& why) { return {Outcome::Kind::kNotChecked, why}; }
Outcome NeverCompleted() { return Failed("the attempt was never completed"); }

Outcome BodyArrives(Trial& t, const std::string& body) {
  Bench::Options options;
  options.body = t.subject.Sendable(body);
  const auto result = t.bench.TryAndWait(t.peer.endpoint(), options);
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectVerdict(*result, Verdict::kDelivered);
  const auto arrivals = t.peer.Arrivals();
  found.ExpectArrivals(arrivals.size(), 1);
  found.Expect(!arrivals.empty() && HoldsBody(arrivals[0], t.subject.AsWritten(options.body)),
               "what arrived is not the body");
  return found.outcome();
}

Outcome BytesArriveExactly(Trial& t) {
  return BodyArrives(t, "{\"name\":\"\xd0\xb6\\u0000\\\"%25&=\",\r\n \"n\":1}\n");
}

Outcome AMebibyteArrives(Trial& t) {
  std::string body = "{\"sdp\":\"";
  while (body.size() < kMaxEventBytes - 2) body += static_cast<char>('a' + body.size() % 23);
  return BodyArrives(t, body + "\"}");
}

Outcome EveryAttributeSurvives(Trial& t) {
  Bench::Options options;
  options.method = "ConnectionStatusEvent";
  options.lane = "app key/\xd0\xb6\r\n%41/name";
  options.lane_sequence = 1234567890123;
  options.attempt = 271'828'182;  // which nothing else that is sent holds
  options.redelivery = true;
  options.from_router = true;
  const Ticket ticket = t.bench.Deliver(t.peer.endpoint(), options);
  if (!t.bench.sink.WaitFor(ticket)) return NeverCompleted();
  const auto arrivals = t.peer.Arrivals();
  if (arrivals.size() != 1) return Failed(absl::StrCat(arrivals.size(), " of 1 arrived"));
  const Event& event = t.bench.EventOf(ticket);
  const std::vector<std::string> lacks =
      LacksOf(arrivals[0], {.body = "",
                            .method = options.method,
                            .event_id = event.id.ToString(),
                            .time = Rfc3339Millis(event.time),
                            .lane = options.lane,
                            .lane_sequence = options.lane_sequence,
                            .attempt = options.attempt,
                            .redelivery = true,
                            .from_router = true});
  if (lacks.empty()) return {};
  const std::string text = absl::StrCat("the request does not hold: ", absl::StrJoin(lacks, ", "));
  if (arrivals[0].bytes.empty()) return Failed(text);
  for (const std::string& must : t.subject.Carries()) {
    if (std::find(lacks.begin(), lacks.end(), must) != lacks.end()) return Failed(text);
  }
  return NotChecked(text + "; what it must hold is said by --carries");
}

Outcome FlagsThatAreNotSetDoNotArrive(Trial& t) {
  if (!t.bench.TryAndWait(t.peer.endpoint())) return NeverCompleted();
  const auto arrivals = t.peer.Arrivals();
  if (arrivals.size() != 1) return Failed(absl::StrCat(arrivals.size(), " of 1 arrived"));
  if (!arrivals[0].bytes.empty()) return NotChecked("how the protocol writes a flag is not known");
  Findings found;
  found.Expect(!arrivals[0].redelivery && !arrivals[0].from_router, "a flag arrived all the same");
  return found.outcome();
}

Outcome EachTicketCompletesOnce(Trial& t) {
  const auto tickets = t.bench.DeliverMany(t.peer.endpoint(), 50, Within(kPatience));
  Findings found;
  found.Expect(t.bench.sink.WaitForTickets(tickets.size()), "not every ticket was completed");
  t.bench.Stop(kPatience);
  for (const Ticket ticket : tickets) {
    found.Expect(t.bench.sink.Completions(ticket) == 1, "a ticket was completed more than once");
  }
  found.Expect(t.bench.sink.total() == tickets.size(), "a ticket of nobody was completed");
  return found.outcome();
}

Outcome APeerThatRefusesCompletesTheTicket(Trial& t) {
  const auto result = t.bench.TryAndWait(t.peer.endpoint());
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectNoAnswer(*result);
  found.ExpectReason(*result, "connection refused");
  found.Expect(!result->status.ok(), "the result has nothing for the log");
  return found.outcome();
}

Outcome APeerThatHangsCompletesByTheDeadline(Trial& t) {
  constexpr absl::Duration kDeadline = absl::Seconds(1);  // time to send it on a busy machine
  const absl::Duration given_up = kDeadline + absl::Seconds(1);  // by the router
  Findings found;
  absl::Duration took = absl::InfiniteDuration();
  // The machine may be late by itself, though not each time.
  for (int tries = 0; tries < 3 && took >= given_up; ++tries) {
    const MonoTime begin = t.bench.clock.Now();
    const auto result = t.bench.TryAndWait(t.peer.endpoint(), Within(kDeadline));
    if (!result) return NeverCompleted();
    took = t.bench.clock.Now() - begin;
    found.ExpectNoAnswer(*result);
    found.ExpectReason(*result, "timed out");
    found.Expect(!result->never_sent, "it says that nothing was sent, and the peer has it");
    found.Expect(took >= kDeadline - absl::Milliseconds(50), "it gave up before its deadline");
  }
  found.Expect(took < given_up, "it took longer than that");
  return found.outcome();
}

Outcome ADeadlineInThePastTimesOut(Trial& t) {
  const auto result = t.bench.TryAndWait(t.peer.endpoint(), Within(absl::Milliseconds(-1)));
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectVerdict(*result, Verdict::kRetryLater);
  found.ExpectReason(*result, "timed out");
  return found.outcome();
}

Outcome APermanentFailureIsRejected(Trial& t) {
  const auto result = t.bench.TryAndWait(t.peer.endpoint());
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectVerdict(*result, Verdict::kRejected);
  found.Expect(!result->status.ok(), "the result has nothing for the log");
  found.Expect(!result->reason.empty(), "the result has no reason");
  return found.outcome();
}

Outcome OverloadIsRetriedWithThePeersHint(Trial& t) {
  const auto result = t.bench.TryAndWait(t.peer.endpoint());
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectVerdict(*result, Verdict::kRetryLater);
  found.Expect(result->retry_after == kOverloadHint,
               absl::StrCat("the hint is ", absl::FormatDuration(result->retry_after), ", not ",
                            absl::FormatDuration(kOverloadHint)));
  return found.outcome();
}

Outcome StopCompletesOpenTickets(Trial& t) {
  const auto tickets = t.bench.DeliverMany(t.peer.endpoint(), 20, Within(absl::Hours(1)));
  t.bench.Stop(absl::Milliseconds(50));
  Findings found;
  for (const Ticket ticket : tickets) {
    if (t.bench.sink.Completions(ticket) != 1) return Failed("a ticket is not completed once");
    const auto result = t.bench.sink.WaitFor(ticket);
    found.ExpectNoAnswer(*result);
    found.Expect(result->status.code() == absl::StatusCode::kCancelled,
                 "the result does not say that the stop ended it");
  }
  return found.outcome();
}

Outcome StopLetsOpenAttemptsFinish(Trial& t) {
  const auto tickets = t.bench.DeliverMany(t.peer.endpoint(), 20, Within(kPatience));
  t.bench.Stop(kPatience);
  Findings found;
  for (const Ticket ticket : tickets) {
    if (t.bench.sink.Completions(ticket) != 1) return Failed("a ticket is not completed once");
    found.ExpectVerdict(*t.bench.sink.WaitFor(ticket), Verdict::kDelivered);
  }
  return found.outcome();
}

Outcome AnIdleTransportStopsAtOnce(Trial& t) {
  if (!t.bench.TryAndWait(t.peer.endpoint())) return NeverCompleted();
  const MonoTime begin = t.bench.clock.Now();
  t.bench.Stop(absl::Minutes(1));
  Findings found;
  found.Expect(t.bench.clock.Now() - begin < absl::Seconds(10), "it took more than 10 s");
  return found.outcome();
}

Outcome ASecondStopDoesNothing(Trial& t) {
  const Ticket ticket = t.bench.Deliver(t.peer.endpoint(), Within(absl::Hours(1)));
  t.bench.Stop(absl::ZeroDuration());
  t.bench.Stop(absl::ZeroDuration());
  Findings found;
  found.Expect(t.bench.sink.Completions(ticket) == 1, "the ticket is not completed once");
  return found.outcome();
}

Outcome ADeliveryAfterStopIsRetriedLater(Trial& t) {
  t.bench.Stop(kPatience);
  const auto result = t.bench.TryAndWait(t.peer.endpoint());
  if (!result) return NeverCompleted();
  Findings found;
  found.ExpectNoAnswer(*result);
  found.Expect(t.peer.Arrivals().empty(), "it was sent all the same");
  return found.outcome();
}

constexpr char kNumber[] = "{\"number\":";

// Of a body that begins by kNumber.
std::optional<size_t> NumberOf(const Arrival& arrival) {
  const std::string& bytes = arrival.bytes.empty() ? arrival.body : arrival.bytes;
  const size_t at = bytes.find(kNumber);
  if (at == std::string::npos) return std::nullopt;
  const size_t begin = at + sizeof kNumber - 1;
  const size_t end = bytes.find_first_not_of("0123456789", begin);
  size_t number = 0;
  if (!absl::SimpleAtoi(bytes.substr(begin, end - begin), &number)) return std::nullopt;
  return number;
}

bool HasId(const Trial& t, const Arrival& arrival, const std::string& id) {
  if (arrival.bytes.empty()) return arrival.event_id == id;
  const std::vector<std::string> carries = t.subject.Carries();
  return std::find(carries.begin(), carries.end(), "id") == carries.end() ||
         Holds(arrival.bytes, id);
}

Outcome AThousandInFlightAllArrive(Trial& t) {
  Bench::Options options = Within(absl::Seconds(30));
  options.body = absl::StrCat(kNumber, "{n}}");
  const auto tickets = t.bench.DeliverMany(t.peer.endpoint(), 1000, options);
  if (!t.bench.sink.WaitForTickets(tickets.size())) return NeverCompleted();
  Findings found;
  for (const Ticket ticket : tickets) {
    found.ExpectVerdict(*t.bench.sink.WaitFor(ticket), Verdict::kDelivered);
  }
  const auto arrivals = t.peer.Arrivals();
  found.ExpectArrivals(arrivals.size(), tickets.size());
  std::set<size_t> different;
  for (const Arrival& arrival : arrivals) {
    const std::optional<size_t> number = NumberOf(arrival);
    const bool was_sent = number && *number < tickets.size();
    found.Expect(was_sent, "something arrived that was not sent");
    if (!was_sent) continue;
    different.insert(*number);
    found.Expect(HasId(t, arrival, t.bench.EventOf(tickets[*number]).id.ToString()),
                 "an event arrived under the id of another");
  }
  found.ExpectArrivals(different.size(), tickets.size());
  return found.outcome();
}

Outcome AThousandAtAPeerThatHangsAllTimeOut(Trial& t) {
  const auto tickets =
      t.bench.DeliverMany(t.peer.endpoint(), 1000, Within(absl::Milliseconds(300)));
  if (!t.bench.sink.WaitForTickets(tickets.size())) return NeverCompleted();
  Findings found;
  for (const Ticket ticket : tickets) {
    found.ExpectReason(*t.bench.sink.WaitFor(ticket), "timed out");
  }
  return found.outcome();
}

#define CHECK_OF(name, sentence, mood) \
  { #name, sentence, PeerMood::mood, name }

constexpr Check kChecks[] = {
    CHECK_OF(BytesArriveExactly, "the bytes of a body arrive exactly", kAccepts),
    CHECK_OF(EveryAttributeSurvives, "every attribute survives", kAccepts),
    CHECK_OF(FlagsThatAreNotSetDoNotArrive, "flags that are not set do not arrive", kAccepts),
    CHECK_OF(EachTicketCompletesOnce, "each ticket completes once", kAccepts),
    CHECK_OF(APeerThatRefusesCompletesTheTicket, "a peer that refuses completes the ticket",
             kRefuses),
    CHECK_OF(APeerThatHangsCompletesByTheDeadline, "a peer that hangs completes by the deadline",
             kHangs),
    CHECK_OF(ADeadlineInThePastTimesOut, "a deadline in the past times out", kHangs),
    CHECK_OF(APermanentFailureIsRejected, "a permanent failure is rejected", kRejects),
    CHECK_OF(OverloadIsRetriedWithThePeersHint, "overload is retried with the peer's hint",
             kOverloaded),
    CHECK_OF(StopCompletesOpenTickets, "stop completes open tickets", kHangs),
    CHECK_OF(StopLetsOpenAttemptsFinish, "stop lets open attempts finish", kAccepts),
    CHECK_OF(AnIdleTransportStopsAtOnce, "an idle transport stops at once", kAccepts),
    CHECK_OF(ASecondStopDoesNothing, "a second stop does nothing", kHangs),
    CHECK_OF(ADeliveryAfterStopIsRetriedLater, "a delivery after stop is retried later", kAccepts),
    CHECK_OF(AMebibyteArrives, "a mebibyte arrives", kAccepts),
    CHECK_OF(AThousandInFlightAllArrive, "a thousand in flight all arrive", kAccepts),
    CHECK_OF(AThousandAtAPeerThatHangsAllTimeOut, "a thousand at a peer that hangs all time out",
             kHangs)};

#undef CHECK_OF

// What plugins/loader counts of a plugin, whose results it mends before anybody sees them.
std::string FaultsOf(const Metrics& metrics) {
  std::vector<std::string> faults;
  for (const Metrics::Sample& sample : metrics.Collect()) {
    if (sample.name != "tallybus_plugin_faults_total" || sample.value == 0) continue;
    for (const auto& [label, value] : sample.labels) {
      if (label == "fault") faults.push_back(absl::StrCat(value, " (", sample.value, ")"));
    }
  }
  return absl::StrJoin(faults, ", ");
}

}  // namespace

const char* WordOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDelivered:
      return "delivered";
    case Verdict::kRetryLater:
      return "retry later";
    case Verdict::kHold:
      return "hold";
    case Verdict::kRejected:
      return "rejected";
    case Verdict::kGone:
      return "gone";
  }
  return "";
}

std::span<const Check> Checks() { return kChecks; }

Outcome Run(const Check& check, Subject& subject) {
  if (std::string why = subject.NotApplicable(check.mood); !why.empty()) return NotChecked(why);
  const std::unique_ptr<Peer> peer = subject.MakePeer(check.mood);
  if (peer == nullptr) return Failed("no peer can be made here: the transport was not tried");
  Bench bench(subject.descriptor());
  if (!bench.status().ok()) return Failed(std::string(bench.status().message()));
  Trial trial{subject, *peer, bench};
  Outcome outcome = check.run(trial);
  bench.Stop(absl::ZeroDuration());
  const std::string faults = FaultsOf(bench.metrics);
  if (faults.empty() || outcome.kind == Outcome::Kind::kFailed) return outcome;
  return Failed("the plugin did what it must not: " + faults);
}

}  // namespace tallybus::conformance
