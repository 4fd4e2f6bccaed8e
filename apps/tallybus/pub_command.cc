// `tallybus pub`: events onto the open bus by hand or by script.
#include <absl/flags/flag.h>
#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/open_bus.h"
#include "tallybus/codec.h"
#include "tallybus/counted.h"
#include "tallybus/event.h"

namespace tallybus::cli {
namespace {

constexpr uint64_t kMaxCount = 100'000'000;
constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr absl::Duration kMaxTimeout = absl::Hours(24);

// "100/s" or "100"; 0 where the text is empty.
absl::StatusOr<double> ParseRate(const std::string& text) {
  if (text.empty()) return 0;
  double rate = 0;
  if (!absl::SimpleAtod(absl::StripSuffix(text, "/s"), &rate) || !(rate > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rate: '", text, "' is no rate, for example 100/s"));
  }
  return rate;
}

// What goes into the second frame for one object.
absl::StatusOr<std::string> Payload(const std::string& object) {
  const std::string method = absl::GetFlag(FLAGS_method);
  const std::string json(absl::StripAsciiWhitespace(object));
  EventDefaults defaults;
  defaults.now = absl::Now();
  absl::StatusOr<Event> event = EventFromJson(method, json, defaults);
  if (!event.ok()) return event.status();
  // A router tells JSON from protobuf by the first byte.
  return absl::GetFlag(FLAGS_protobuf) ? EnvelopeFromEvent(*event) : json;
}

// Sends in order, no faster than the rate.
class Publication {
 public:
  Publication(OpenBus& bus, double rate)
      : bus_(bus), method_(absl::GetFlag(FLAGS_method)), rate_(rate), start_(absl::Now()) {}

  absl::Status Send(const std::string& payload) {
    if (rate_ > 0) absl::SleepFor(start_ + absl::Seconds(double(sent_) / rate_) - absl::Now());
    absl::Status status = bus_.Send(method_, payload);
    if (status.ok()) ++sent_;
    return status;
  }

  uint64_t sent() const { return sent_; }

 private:
  OpenBus& bus_;
  const std::string method_;
  const double rate_;
  const absl::Time start_;
  uint64_t sent_ = 0;
};

// "line 2: " before what is wrong with it.
absl::Status Named(const char* what, uint64_t number, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(what, " ", number, ": ", status.message()));
}

absl::Status SendObjects(const std::vector<std::string>& objects, Publication& publication) {
  std::vector<std::string> payloads;
  for (const std::string& object : objects) {
    absl::StatusOr<std::string> payload = Payload(object);
    if (!payload.ok()) return Named("object", payloads.size() + 1, payload.status());
    payloads.push_back(*std::move(payload));
  }
  for (uint64_t i = 0; i < absl::GetFlag(FLAGS_count); ++i) {
    for (const std::string& payload : payloads) {
      absl::Status status = publication.Send(payload);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// False at the end of the input. A line that is too long for an event comes cut, one byte over the
// limit, so that it is refused as such.
bool ReadLine(std::istream& in, std::string& line) {
  line.clear();
  char c = 0;
  while (in.get(c)) {
    if (c == '\n') return true;
    if (line.size() <= kMaxEventBytes) line += c;
  }
  return !line.empty();
}

absl::Status SendLines(std::istream& in, Publication& publication) {
  std::string line;
  for (uint64_t number = 1; ReadLine(in, line); ++number) {
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    absl::StatusOr<std::string> payload = Payload(line);
    if (!payload.ok()) return Named("line", number, payload.status());
    absl::Status status = publication.Send(*payload);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// What is wrong with flags and arguments together.
absl::Status Check(const std::vector<std::string>& arguments, absl::Duration timeout) {
  const std::string method = absl::GetFlag(FLAGS_method);
  const uint64_t count = absl::GetFlag(FLAGS_count);
  if (arguments.empty()) {
    return absl::InvalidArgumentError("no object: give one as JSON, or - to read lines");
  }
  if (!IsValidMethod(method)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--method: '", method,
                     "' is no method: a letter, then up to 63 of A-Z a-z "
                     "0-9 _ . -"));
  }
  if (arguments[0] == "-" && (arguments.size() > 1 || count != 1)) {
    return absl::InvalidArgumentError("- stands alone and is sent once: no objects, no --count");
  }
  if (count < 1 || count > kMaxCount) {
    return absl::InvalidArgumentError(absl::StrCat("--count: from 1 to ", kMaxCount));
  }
  if (timeout > kMaxTimeout) {
    return absl::InvalidArgumentError("--timeout: at most 24h");
  }
  return absl::OkStatus();
}

int Publish(const std::vector<std::string>& arguments, double rate, absl::Duration timeout) {
  const std::string endpoint = absl::GetFlag(FLAGS_to);
  absl::StatusOr<std::unique_ptr<OpenBus>> bus = OpenBus::Connect(endpoint, timeout);
  if (!bus.ok()) {
    return Complain("pub", absl::StrCat("--to: ", bus.status().message()), kUsage);
  }
  Publication publication(**bus, rate);
  absl::Status status =
      arguments[0] == "-" ? SendLines(std::cin, publication) : SendObjects(arguments, publication);
  const absl::Status finished = (*bus)->Finish();
  if (status.ok()) status = finished;
  std::cout << "sent " << Counted(publication.sent(), "event") << " to " << endpoint << std::endl;
  if (!status.ok()) return Complain("pub", std::string(status.message()), kFailed);
  return kDone;
}

int Run(const std::vector<std::string>& arguments) {
  const absl::Duration timeout = absl::GetFlag(FLAGS_timeout).value_or(kTimeout);
  const absl::Status checked = Check(arguments, timeout);
  if (!checked.ok()) return Complain("pub", std::string(checked.message()), kUsage);
  const absl::StatusOr<double> rate = ParseRate(absl::GetFlag(FLAGS_rate));
  if (!rate.ok()) return Complain("pub", std::string(rate.status().message()), kUsage);
  return Publish(arguments, *rate, timeout);
}

}  // namespace

Command PubCommand() {
  Command command;
  command.name = "pub";
  command.arguments = "OBJECT...|-";
  command.summary = "publish events on a router's open bus";
  command.details =
      "Sends each OBJECT, a JSON object, as one event; - reads one object from each line of\n"
      "standard input. Waits for a router and until all has left, each at most --timeout (5s).\n"
      "The open bus does not acknowledge.\n\n"
      "  tallybus pub "
      "'{\"sessionId\":\"s1\",\"name\":\"cam-1\",\"published\":true,\"status\":\"PUBLISHING\"}'";
  command.flags = {"method", "to", "protobuf", "count", "rate", "timeout"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
