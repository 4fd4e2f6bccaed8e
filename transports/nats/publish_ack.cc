// Of the server's errors only those that no waiting can mend settle anything.
#include "transports/nats/publish_ack.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <simdjson.h>

#include <string>

namespace tallybus::nats {
namespace {

constexpr size_t kMostPhraseBytes = 256;

// Numbers of nats-server's errors.json.
constexpr int64_t kMessageTooLarge = 10054;
constexpr int64_t kHeaderTooLarge = 10097;
constexpr int64_t kNotEnabledForAccount = 10039;
constexpr int64_t kNotEnabled = 10076;
constexpr int64_t kSealed = 10109;

Verdict VerdictOf(int64_t error) {
  switch (error) {
    case kMessageTooLarge:
    case kHeaderTooLarge:
      return Verdict::kRejected;
    case kNotEnabledForAccount:
    case kNotEnabled:
    case kSealed:
      return Verdict::kHold;
    default:
      return Verdict::kRetryLater;
  }
}

std::string Cleaned(std::string_view phrase) {
  std::string clean(phrase.substr(0, kMostPhraseBytes));
  for (char& c : clean) c = c < ' ' || c > '~' ? '?' : c;
  return clean;
}

DeliveryResult Failed(Verdict verdict, std::string reason, std::string_view detail) {
  DeliveryResult result;
  result.verdict = verdict;
  result.status = absl::FailedPreconditionError(absl::StrCat(reason, std::string(detail)));
  result.reason = std::move(reason);
  return result;
}

}  // namespace

DeliveryResult ReadAck(std::string_view bytes) {
  simdjson::dom::parser parser;
  simdjson::dom::object ack;
  if (parser.parse(simdjson::padded_string(bytes)).get(ack) != simdjson::SUCCESS) {
    return Failed(Verdict::kRetryLater, "no acknowledgement of JetStream", "");
  }
  simdjson::dom::object error;
  if (ack["error"].get(error) == simdjson::SUCCESS) {
    int64_t number = 0;
    std::string_view phrase = "JetStream has an error";
    if (error["err_code"].get(number) != simdjson::SUCCESS) number = 0;
    if (error["description"].get(phrase) != simdjson::SUCCESS) phrase = "error without a name";
    DeliveryResult failed = Failed(VerdictOf(number), Cleaned(phrase),
                                   absl::StrCat(" (JetStream's error ", number, ")"));
    failed.hold_method = number == kSealed;  // of one stream; others may be open
    return failed;
  }
  uint64_t sequence = 0;
  if (ack["seq"].get(sequence) != simdjson::SUCCESS || sequence == 0) {
    return Failed(Verdict::kRetryLater, "no acknowledgement of JetStream", "");
  }
  DeliveryResult delivered;
  delivered.verdict = Verdict::kDelivered;
  return delivered;
}

DeliveryResult NoStream() {
  // Also what a JetStream that has just started says, before its streams are there.
  return Failed(Verdict::kRetryLater, "no stream takes this subject",
                ": add a stream for it, or switch JetStream on in the server");
}

}  // namespace tallybus::nats
