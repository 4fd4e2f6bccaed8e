// `tallybus try`: one delivery by a plugin, and what came of it.
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/conformance/checks.h"
#include "apps/explanation/sample_events.h"
#include "apps/tallybus/child_check.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/plugin_setting.h"
#include "apps/tallybus/table.h"

namespace tallybus::cli {
namespace {

// What the plugin and the loader say, on standard error.
class PrintedLog final : public Log {
 public:
  void Write(LogLevel, std::string_view line) override {
    std::cerr << std::string(line) + "\n" << std::flush;
  }
};

class OneResult final : public DeliverySink {
 public:
  void Complete(Ticket, DeliveryResult result) override { result_.set_value(std::move(result)); }
  std::future<DeliveryResult> future() { return result_.get_future(); }

 private:
  std::promise<DeliveryResult> result_;
};

const char* MeaningOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDelivered:
      return "the event has arrived";
    case Verdict::kRetryLater:
      return "the event is tried again by its route's schedule";
    case Verdict::kHold:
      return "guaranteed: the endpoint is held until a person has looked, and events wait; notify: "
             "the event has failed";
    case Verdict::kRejected:
      return "guaranteed: the event is a dead letter; notify: it has failed";
    case Verdict::kGone:
      return "guaranteed: the endpoint wants no more, and is held; notify: the event has failed";
  }
  return "";
}

absl::StatusOr<Sample> ReadEvent() {
  constexpr char kCam[] =
      R"({"sessionId":"s1","name":"cam-1","published":true,"status":"PUBLISHING"})";
  SampleEvents samples(absl::Now(), "tallybus-try");
  const std::string event = absl::GetFlag(FLAGS_event);
  if (event.empty()) return samples.Of(absl::GetFlag(FLAGS_method), kCam);
  absl::StatusOr<std::vector<Sample>> made = samples.Make(event, absl::GetFlag(FLAGS_method));
  if (!made.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--event: ", made.status().message()));
  }
  if (made->size() != 1) return absl::InvalidArgumentError("--event: one event at a time");
  return std::move(made->front());
}

void Print(const DeliveryResult& result, absl::Duration took) {
  std::cout << conformance::WordOf(result.verdict) << ": " << Printable(result.reason);
  if (result.remote_code != 0) std::cout << ", code " << result.remote_code;
  if (result.retry_after > absl::ZeroDuration()) {
    std::cout << ", come back in " << absl::FormatDuration(result.retry_after);
  }
  std::cout << ", after " << absl::ToInt64Milliseconds(took) << " ms\n";
  if (!result.status.ok() && result.status.message() != result.reason) {
    std::cout << "for the log: " << std::string(result.status.message()) << "\n";
  }
  if (result.never_sent) std::cout << "no byte of it reached the peer\n";
  if (!result.answer.empty()) std::cout << "answer: " << Printable(result.answer) << "\n";
  std::cout << "means: " << MeaningOf(result.verdict) << std::endl;
}

absl::StatusOr<DeliveryResult> Try(const PluginSetting& setting, const Sample& sample) {
  SystemClock clock;
  Metrics metrics;
  PrintedLog log;
  OneResult sink;
  std::future<DeliveryResult> future = sink.future();
  auto transport = setting.transport.create(TransportContext{sink, clock, metrics, log});
  if (!transport.ok()) return transport.status();
  if (absl::Status status = (*transport)->Start(); !status.ok()) return status;
  const Event& event = sample.event;
  const Parcel parcel = {event, event.json, sample.lane, sample.lane_sequence, 1, false, false, 0};
  const MonoTime begin = clock.Now();
  const Delivery delivery = {
      Ticket{1}, {&parcel, 1},  setting.endpoint, begin + setting.endpoint.timeout,
      true,      sample.is_call};
  (*transport)->Deliver({&delivery, 1});
  future.wait();  // the loader gives a result where the plugin does not
  DeliveryResult result = future.get();
  Print(result, clock.Now() - begin);
  (*transport)->Stop(clock.Now());
  return result;
}

int Run(const std::vector<std::string>& arguments) {
  const absl::StatusOr<std::string> path = PluginFile(arguments);
  if (!path.ok()) return Complain("try", std::string(path.status().message()), kUsage);
  if (const std::optional<int> ended = GoOnInChild("try")) return *ended;
  const absl::StatusOr<Sample> event = ReadEvent();
  if (!event.ok()) return Complain("try", std::string(event.status().message()), kUsage);
  const auto setting = ReadPluginSetting(*path, absl::GetFlag(FLAGS_endpoint));
  if (!setting.ok()) return Complain("try", std::string(setting.status().message()), kUsage);
  const absl::StatusOr<DeliveryResult> result = Try(*setting, *event);
  if (!result.ok()) return Complain("try", std::string(result.status().message()), kFailed);
  return result->verdict == Verdict::kDelivered ? kDone : kFailed;
}

}  // namespace

Command TryCommand() {
  Command command;
  command.name = "try";
  command.arguments = "FILE.so";
  command.summary = "one delivery by a transport plugin, and what came of it";
  command.details =
      "Loads the plugin, hands it one event for --endpoint, and prints the verdict, the reason "
      "and\n"
      "what it means. No daemon is asked, and nothing is tried again. What the plugin logs, and\n"
      "what it does that it must not, is on standard error.\n"
      "Exit status 0: delivered; 1: not, or the plugin cannot start; 2: not understood.";
  command.flags = {"endpoint", "option", "event", "method", "timeout"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
