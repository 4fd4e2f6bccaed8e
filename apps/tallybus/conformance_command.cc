// `tallybus conformance`: whether a plugin keeps the contract of a transport.
#include <absl/flags/flag.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "apps/conformance/checks.h"
#include "apps/tallybus/child_check.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/raw_subject.h"

namespace tallybus::cli {
namespace {

using conformance::Check;
using conformance::Outcome;

constexpr absl::Duration kChildLimit = absl::Minutes(1);
const std::vector<std::string> kAttributes = {"method", "id",       "time",
                                              "lane",   "sequence", "attempt"};

absl::Status ReadEscaped(const char* flag, const std::string& written, std::string* out) {
  std::string error;
  if (absl::CUnescape(written, out, &error)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", error));
}

absl::StatusOr<RawTrial> ReadTrial(const std::vector<std::string>& arguments) {
  RawTrial trial;
  const absl::StatusOr<std::string> path = PluginFile(arguments);
  if (!path.ok()) return path.status();
  trial.plugin = *path;
  trial.endpoint = absl::GetFlag(FLAGS_endpoint);
  trial.arrived = absl::GetFlag(FLAGS_arrived);
  if (trial.arrived.empty() && trial.endpoint.find("{peer}") == std::string::npos) {
    return absl::InvalidArgumentError(
        "--endpoint: must hold {peer}, which becomes the address of a peer; or say with --arrived "
        "which file the transport writes");
  }
  std::string ends = absl::GetFlag(FLAGS_request_ends);
  if (ends.empty()) ends = trial.arrived.empty() ? "\\0" : "\\n";
  absl::Status status = ReadEscaped("request-ends", ends, &trial.wire.request_ends);
  status.Update(ReadEscaped("reply-accept", absl::GetFlag(FLAGS_reply_accept), &trial.wire.accept));
  status.Update(ReadEscaped("reply-reject", absl::GetFlag(FLAGS_reply_reject), &trial.wire.reject));
  status.Update(
      ReadEscaped("reply-overload", absl::GetFlag(FLAGS_reply_overload), &trial.wire.overload));
  if (!status.ok()) return status;
  trial.carries = absl::StrSplit(absl::GetFlag(FLAGS_carries), ',', absl::SkipEmpty());
  for (const std::string& name : trial.carries) {
    if (std::find(kAttributes.begin(), kAttributes.end(), name) == kAttributes.end()) {
      return absl::InvalidArgumentError(
          "--carries: a list of method, id, time, lane, sequence, attempt");
    }
  }
  return trial;
}

Outcome RunOne(const RawTrial& trial, const Check* check) {
  std::string url = trial.endpoint;
  if (const size_t at = url.find("{peer}"); at != std::string::npos) {
    url.replace(at, 6, "127.0.0.1:9");
  }
  absl::StatusOr<PluginSetting> setting = ReadPluginSetting(trial.plugin, url);
  if (!setting.ok()) return {Outcome::Kind::kFailed, std::string(setting.status().message())};
  if (check == nullptr) return {};
  RawSubject subject(trial, *std::move(setting));
  return conformance::Run(*check, subject);
}

// A line for each check; how many came to what, by Outcome::Kind.
void Print(const char* sentence, const Outcome& outcome, std::vector<int>& counts) {
  static constexpr const char* kWords[] = {"ok          ", "FAILED      ", "not checked "};
  const auto kind = static_cast<size_t>(outcome.kind);
  ++counts[kind];
  std::cout << kWords[kind] << sentence << (outcome.why.empty() ? "" : ": ") << outcome.why
            << std::endl;
}

int Run(const std::vector<std::string>& arguments) {
  const absl::StatusOr<RawTrial> trial = ReadTrial(arguments);
  if (!trial.ok()) return Complain("conformance", std::string(trial.status().message()), kUsage);
  std::vector<int> counts(3);
  const Outcome loaded = RunInChild([&] { return RunOne(*trial, nullptr); }, kChildLimit);
  Print("the plugin can be loaded, and takes its options and the endpoint", loaded, counts);
  if (loaded.kind == Outcome::Kind::kOk) {
    for (const Check& check : conformance::Checks()) {
      Print(check.sentence, RunInChild([&] { return RunOne(*trial, &check); }, kChildLimit),
            counts);
    }
  }
  std::cout << counts[0] << " ok, " << counts[1] << " failed, " << counts[2] << " not checked"
            << std::endl;
  return counts[1] == 0 ? kDone : kFailed;
}

}  // namespace

Command ConformanceCommand() {
  Command command;
  command.name = "conformance";
  command.arguments = "FILE.so";
  command.summary = "whether a transport plugin keeps the contract";
  command.details =
      "Runs the suite that our own transports pass over a plugin, each check in a process of its\n"
      "own: one that crashes or hangs has failed that check. The far end is a TCP listener on\n"
      "loopback, whose address takes the place of {peer} in --endpoint; it reads until\n"
      "--request-ends and answers with what you tell it, as C would write it. The overloaded one\n"
      "must ask to come back in 7 s; an empty answer is one that the protocol does not have. The\n"
      "defaults are the template's. A transport that writes a file is looked at there: --arrived.\n"
      "\n"
      "  tallybus conformance ./line_transport.so --endpoint tcp://{peer}\n"
      "\n"
      "A line for each check: ok, FAILED and why, or not checked and why. Exit status 0: nothing\n"
      "failed; 1: something did; 2: not understood.";
  command.flags = {"endpoint",     "option",         "request_ends", "reply_accept",
                   "reply_reject", "reply_overload", "carries",      "arrived"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
