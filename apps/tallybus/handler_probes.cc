// Each probe has an endpoint of its own where it signs otherwise: a transport knows them by id.
#include "apps/tallybus/handler_probes.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <sys/random.h>

#include <string>
#include <utility>
#include <vector>

#include "apps/receive/visible.h"
#include "apps/tallybus/answer_meaning.h"

namespace tallybus::cli {
namespace {

constexpr char kSigning[] = "signing";

// One of each kind that the real ones are of: a handler that does not know the kind would refuse
// for that, and one may look at a single kind.
std::string StrangersKeys(const std::string& like) {
  std::vector<std::string> keys;
  for (const char* kind : {"whsec_", "whsk_"}) {
    if (!absl::StrContains(like, kind)) continue;
    std::string bytes(32, '\0');
    while (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    }
    keys.push_back(kind + absl::Base64Escape(bytes));
  }
  return absl::StrJoin(keys, " ");
}

void AddDuplicate(const Endpoint& endpoint, const Sample& before, std::vector<Probe>* probes) {
  probes->push_back({.name = "duplicate",
                     .request = "the same event once more, with the same webhook-id",
                     .endpoint = endpoint,
                     .samples = {before},
                     .manner = {.duplicate = true},
                     .mistake = "answer 2xx to what you have already: another answer is a failure "
                                "of an event that you took",
                     .unseen = absl::StrCat("event ", before.event.id.ToString(), " once")});
}

void AddOutOfOrder(const Endpoint& endpoint, SampleEvents& samples, std::vector<Probe>* probes) {
  std::vector<Sample> stream = samples.NewStream();
  const Manner manner{.reordered = true};
  const std::string newest =
      absl::StrCat("lane ", receive::Visible(stream[1].lane), " at sequence ",
                   stream[1].lane_sequence, ", ", stream[1].event.status, ", as before");
  probes->push_back({.name = "out-of-order",
                     .request = "the second event of a new stream, before its first",
                     .endpoint = endpoint,
                     .samples = {std::move(stream[1])},
                     .manner = manner,
                     .mistake = "a stream may begin in the middle: earlier events may have been "
                                "shed, or be dead letters"});
  probes->push_back({.name = "out-of-order",
                     .request = "and now the first one, with the smaller tallybus-sequence",
                     .endpoint = endpoint,
                     .samples = {std::move(stream[0])},
                     .manner = manner,
                     .mistake = "answer 2xx to what is older than what you know, and change "
                                "nothing",
                     .unseen = newest});
}

void AddLate(const Endpoint& endpoint, absl::Duration late, SampleEvents& samples,
             std::vector<Probe>* probes) {
  const std::string ago = absl::FormatDuration(late);
  std::vector<Sample> stream = samples.NewStream();
  stream[0].event.time -= late;
  probes->push_back({.name = "late",
                     .request = absl::StrCat("an event of ", ago, " ago, sent and signed now"),
                     .endpoint = endpoint,
                     .samples = {std::move(stream[0])},
                     .mistake = "tallybus-time may be long ago, after an outage: only "
                                "webhook-timestamp must be near"});
  if (!endpoint.options.contains(kSigning)) return;
  const bool near = late <= kSignatureTolerance;
  probes->push_back({.name = "late",
                     .request = absl::StrCat("a request that was signed ", ago, " ago"),
                     .endpoint = endpoint,
                     .samples = {std::move(stream[1])},
                     .manner = {.signed_ago = late},
                     .should_be_taken = near,
                     .mistake = near ? "clocks differ: bear 5 minutes"
                                     : "refuse a webhook-timestamp that is more than 5 minutes "
                                       "off: whoever saw a request could send it again"});
}

void AddForged(const Endpoint& endpoint, SampleEvents& samples, std::vector<Probe>* probes) {
  std::vector<Sample> stream = samples.NewStream();
  Endpoint strangers = endpoint;
  strangers.id = endpoint.id + 1;
  strangers.options[kSigning] = StrangersKeys(endpoint.options.at(kSigning));
  probes->push_back({.name = "forged",
                     .request = "a request that another key signed",
                     .endpoint = strangers,
                     .samples = {std::move(stream[0])},
                     .should_be_taken = false,
                     .mistake = "compare webhook-signature: anybody may post to you"});
  strangers.id = endpoint.id + 2;
  strangers.options.erase(kSigning);
  probes->push_back({.name = "forged",
                     .request = "a request without a signature",
                     .endpoint = std::move(strangers),
                     .samples = {std::move(stream[1])},
                     .should_be_taken = false,
                     .mistake = "refuse what has no webhook-signature: anybody may post to you"});
}

// What crashed, is overloaded or is not there has refused nothing.
bool IsRefusal(int code) { return code == 400 || code == 401 || code == 403; }

}  // namespace

bool IsTaken(const DeliveryResult& answer) {
  return answer.remote_code != 0 && answer.verdict == Verdict::kDelivered;
}

std::string MistakeIn(const Probe& probe, const DeliveryResult& answer) {
  if (answer.remote_code == 0) {
    return absl::StrCat("no answer: see whether your handler hangs, or died of it; ",
                        probe.should_be_taken ? "answer 2xx" : "refuse it by 401");
  }
  if (probe.should_be_taken) return IsTaken(answer) ? "" : probe.mistake;
  if (IsRefusal(answer.remote_code)) return "";
  if (IsTaken(answer)) return probe.mistake;
  return absl::StrCat("refuse it by 401 (403 and 400 do, too); ", answer.remote_code,
                      " is no refusal. Should your key be the wrong one, then under guaranteed: ",
                      MeaningUnderGuaranteed(answer));
}

std::vector<Probe> ProbesOf(const ProbesWanted& wanted, const Endpoint& endpoint,
                            const Sample& before, SampleEvents& samples) {
  std::vector<Probe> probes;
  if (wanted.duplicate) AddDuplicate(endpoint, before, &probes);
  if (wanted.out_of_order) AddOutOfOrder(endpoint, samples, &probes);
  if (wanted.late) AddLate(endpoint, *wanted.late, samples, &probes);
  if (wanted.forged) AddForged(endpoint, samples, &probes);
  return probes;
}

}  // namespace tallybus::cli
