// `tallybus trigger`: requests to a receiver as the daemon would send them, and what its answers
// mean.
#include <absl/flags/flag.h>
#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "apps/explanation/input_file.h"
#include "apps/explanation/sample_events.h"
#include "apps/receive/visible.h"
#include "apps/tallybus/answer_meaning.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/handler_probes.h"
#include "apps/tallybus/single_sender.h"

namespace tallybus::cli {
namespace {

constexpr int kMistaken = 3;
constexpr absl::Duration kTimeout = absl::Seconds(10);

bool HoldsSeveral(const Endpoint& endpoint) {
  const auto format = endpoint.options.find("format");
  return format != endpoint.options.end() && format->second != "wcs" &&
         format->second != "cloudevents";
}

absl::Status AddSecret(const char* option, const std::string& text, Endpoint* endpoint) {
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> secret = ReadSecret(text);
  if (!secret.ok()) return secret.status();
  endpoint->options[option] = *std::move(secret);
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> EndpointFromFlags() {
  Endpoint endpoint;
  endpoint.id = 1;
  endpoint.route = "trigger";
  endpoint.url = absl::GetFlag(FLAGS_to);
  if (!absl::StartsWith(endpoint.url, "http://") && !absl::StartsWith(endpoint.url, "https://")) {
    return absl::InvalidArgumentError("--to: the URL of the receiver, http://… or https://…");
  }
  endpoint.timeout = absl::GetFlag(FLAGS_timeout).value_or(kTimeout);
  const std::pair<const char*, std::string> plain[] = {
      {"format", absl::GetFlag(FLAGS_format)},
      {"username", absl::GetFlag(FLAGS_username)},
      {"tls.ca_file", absl::GetFlag(FLAGS_ca_file)},
      {"tls.cert_file", absl::GetFlag(FLAGS_cert_file)},
      {"tls.key_file", absl::GetFlag(FLAGS_key_file)}};
  for (const auto& [option, text] : plain) {
    if (!text.empty()) endpoint.options[option] = text;
  }
  if (const auto over = absl::GetFlag(FLAGS_compress_over)) {
    endpoint.options["compress.over"] = std::to_string(*over);
  }
  absl::Status status = AddSecret("signing", absl::GetFlag(FLAGS_secret), &endpoint);
  status.Update(AddSecret("password", absl::GetFlag(FLAGS_password), &endpoint));
  status.Update(AddSecret("bearer_token", absl::GetFlag(FLAGS_bearer_token), &endpoint));
  status.Update(AddSecret("wcs_hash_key", absl::GetFlag(FLAGS_wcs_hash_key), &endpoint));
  if (status.ok()) status = SingleSender::Check(endpoint);
  if (!status.ok()) return status;
  return endpoint;
}

absl::StatusOr<ProbesWanted> WantedFromFlags(const Endpoint& endpoint) {
  const ProbesWanted wanted{.duplicate = absl::GetFlag(FLAGS_duplicate),
                            .late = absl::GetFlag(FLAGS_late),
                            .out_of_order = absl::GetFlag(FLAGS_out_of_order),
                            .forged = absl::GetFlag(FLAGS_forged)};
  if (wanted.forged && !endpoint.options.contains("signing")) {
    return absl::InvalidArgumentError("--forged needs the --secret that the receiver knows");
  }
  return wanted;
}

// The whole run: its sender, and what it found.
class Trial {
 public:
  explicit Trial(const Endpoint& endpoint) : endpoint_(endpoint) {}

  // Each event in a request of its own, or all in one where the format is of batches. False where
  // one was not taken.
  bool SendPlainly(const std::vector<Sample>& samples) {
    if (HoldsSeveral(endpoint_)) return SendPlainly(std::span<const Sample>(samples));
    bool taken = true;
    for (const Sample& sample : samples) taken &= SendPlainly(std::span(&sample, 1));
    return taken;
  }

  void Send(const Probe& probe) {
    std::cout << probe.name << ": " << probe.request << "\n";
    const Attempted attempted = sender_.Send(probe.endpoint, probe.samples, probe.manner);
    PrintAnswer(attempted);
    const std::string mistake = MistakeIn(probe, attempted.result);
    if (!mistake.empty()) {
      ++mistakes_;
      std::cout << "  WRONG: " << mistake << "\n";
    } else if (!probe.unseen.empty()) {
      std::cout << "  right, as an answer. Your books cannot be seen from here: they must have "
                << probe.unseen << "\n";
    } else {
      std::cout << "  right\n";
    }
  }

  int mistakes() const { return mistakes_; }

 private:
  bool SendPlainly(std::span<const Sample> samples) {
    for (const Sample& sample : samples) {
      std::cout << sample.event.method << " " << receive::Visible(sample.event.status) << " "
                << sample.event.id.ToString() << ", lane " << receive::Visible(sample.lane) << " "
                << sample.lane_sequence << "\n";
    }
    const Attempted attempted = sender_.Send(endpoint_, samples, {});
    PrintAnswer(attempted);
    if (samples.front().is_call) {
      std::cout << "  connect:    " << MeaningOfConnect(attempted.result) << "\n";
      return IsTaken(attempted.result) || DeclinesSession(attempted.result);
    }
    std::cout << "  notify:     " << MeaningUnderNotify(attempted.result) << "\n"
              << "  guaranteed: " << MeaningUnderGuaranteed(attempted.result) << "\n";
    return IsTaken(attempted.result);
  }

  void PrintAnswer(const Attempted& attempted) {
    std::cout << "  "
              << absl::StrFormat("%s, %.1f ms", AnswerText(attempted.result),
                                 absl::ToDoubleMilliseconds(attempted.took))
              << std::endl;
  }

  const Endpoint endpoint_;
  SingleSender sender_;
  int mistakes_ = 0;
};

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) {
    return Complain("trigger", "what to send: a method, a file, - or lifecycle", kUsage);
  }
  SampleEvents samples(absl::Now());
  const auto events = samples.Make(arguments[0], absl::GetFlag(FLAGS_method));
  if (!events.ok()) return Complain("trigger", std::string(events.status().message()), kUsage);
  const auto endpoint = EndpointFromFlags();
  if (!endpoint.ok()) return Complain("trigger", std::string(endpoint.status().message()), kUsage);
  const auto wanted = WantedFromFlags(*endpoint);
  if (!wanted.ok()) return Complain("trigger", std::string(wanted.status().message()), kUsage);
  if (wanted->any() && events->back().is_call) {
    return Complain("trigger", "a connect is asked once: --duplicate and the like are for events",
                    kUsage);
  }

  Trial trial(*endpoint);
  if (!trial.SendPlainly(*events)) {
    return Complain(
        "trigger", wanted->any() ? "not all was taken; the rest is not tried" : "not all was taken",
        kFailed);
  }
  for (const Probe& probe : ProbesOf(*wanted, *endpoint, events->back(), samples)) {
    trial.Send(probe);
  }
  if (trial.mistakes() == 0) return kDone;
  return Complain("trigger", absl::StrCat("answers that are wrong: ", trial.mistakes()), kMistaken);
}

}  // namespace

Command TriggerCommand() {
  Command command;
  command.name = "trigger";
  command.arguments = "METHOD | FILE | - | lifecycle";
  command.summary = "be the router: send a receiver what it would get, and tell what it gets wrong";
  command.details =
      "Sends byte for byte what a daemon would send to --to, needs none, and prints each answer "
      "and\n"
      "what it means under `delivery: notify` and `guaranteed`. METHOD is a sample of its kind, "
      "FILE\n"
      "one JSON object (- is standard input) of the method --method, lifecycle a stream that is\n"
      "published, watched and ended.\n\n"
      "  --duplicate     the last event again must be answered 2xx\n"
      "  --out-of-order  a stream's second event and then its first one must both be answered 2xx\n"
      "  --late 20m      an event of 20 minutes ago, signed now, must be answered 2xx; one that "
      "was\n"
      "                  signed 20 minutes ago must be refused (of up to 5 minutes: taken)\n"
      "  --forged        another key's signature, and none, must be refused\n\n"
      "A refusal is 401, 403 or 400. Answers are seen, not books: whether a duplicate counted\n"
      "twice, or what is older overwrote what is newer, look up yourself.\n\n"
      "A connect is answered right by a 2xx, which admits the session, and by 401 or 403, which\n"
      "decline it.\n\n"
      "Exit status: 0 all was taken; 1 it was not, and no switch was tried; 3 one of these "
      "switches\n"
      "shows a wrong answer.";
  command.flags = {"to",           "method",        "format",       "secret",    "wcs_hash_key",
                   "username",     "password",      "bearer_token", "ca_file",   "cert_file",
                   "key_file",     "compress_over", "timeout",      "duplicate", "late",
                   "out_of_order", "forged"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
