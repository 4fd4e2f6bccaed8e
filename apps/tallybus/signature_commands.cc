// `tallybus sign` and `tallybus verify`: Standard Webhooks by hand.
#include <absl/flags/flag.h>
#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "apps/explanation/input_file.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/handler_probes.h"
#include "transports/rest/signature.h"

namespace tallybus::cli {
namespace {

using rest::SignedContent;
using rest::WebhookKey;

// What both commands are told.
struct Told {
  WebhookKey key;
  std::string id;
  std::string body;
};

absl::StatusOr<Told> ReadFlags(const std::vector<std::string>& arguments) {
  if (arguments.size() > 1) return absl::InvalidArgumentError("one file with the body, or -");
  if (absl::GetFlag(FLAGS_key).empty()) {
    return absl::InvalidArgumentError("--key: whsec_…, whsk_…, whpk_… or file:PATH");
  }
  absl::StatusOr<std::string> text = ReadSecret(absl::GetFlag(FLAGS_key));
  if (!text.ok()) return text.status();
  absl::StatusOr<WebhookKey> key = WebhookKey::Parse(*text);
  if (!key.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--key ", key.status().message()));
  }
  const std::string id = absl::GetFlag(FLAGS_id);
  if (id.empty()) return absl::InvalidArgumentError("--id: the field webhook-id");
  absl::StatusOr<std::string> body = ReadInput(arguments.empty() ? "-" : arguments[0]);
  if (!body.ok()) return body.status();
  return Told{*std::move(key), id, *std::move(body)};
}

// Of --timestamp; nullopt: it is no number.
std::optional<int64_t> Timestamp() {
  int64_t timestamp = 0;
  if (!absl::SimpleAtoi(absl::GetFlag(FLAGS_timestamp), &timestamp)) return std::nullopt;
  return timestamp;
}

int RunSign(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Told> told = ReadFlags(arguments);
  if (!told.ok()) return Complain("sign", std::string(told.status().message()), kUsage);
  if (absl::Status may = told->key.MaySign(); !may.ok()) {
    return Complain("sign", absl::StrCat("--key ", may.message()), kUsage);
  }
  std::optional<int64_t> timestamp = Timestamp();
  if (absl::GetFlag(FLAGS_timestamp).empty()) timestamp = absl::ToUnixSeconds(absl::Now());
  if (!timestamp) return Complain("sign", "--timestamp: Unix seconds", kUsage);
  std::cout << "webhook-id: " << told->id << "\nwebhook-timestamp: " << *timestamp
            << "\nwebhook-signature: "
            << told->key.Sign(SignedContent(told->id, *timestamp, told->body)) << std::endl;
  return kDone;
}

// Prints each check; keeps whether all are well.
class Checks {
 public:
  void Note(bool good, const std::string& name, const std::string& text) {
    std::cout << (good ? "ok      " : "FAILED  ") << name << ": " << text << std::endl;
    good_ = good_ && good;
  }
  bool good() const { return good_; }

 private:
  bool good_ = true;
};

void CheckTimestamp(const std::optional<int64_t>& timestamp, Checks& checks) {
  if (!timestamp) return checks.Note(false, "timestamp", "must be Unix seconds");
  const absl::Duration ago = absl::Now() - absl::FromUnixSeconds(*timestamp);
  const absl::Duration whole = absl::Trunc(absl::AbsDuration(ago), absl::Seconds(1));
  const absl::Duration most = absl::GetFlag(FLAGS_tolerance).value_or(kSignatureTolerance);
  checks.Note(
      absl::AbsDuration(ago) <= most, "timestamp",
      absl::StrCat(absl::FormatDuration(whole), ago < absl::ZeroDuration() ? " ahead" : " ago",
                   "; up to ", absl::FormatDuration(most), " is borne"));
}

// What the body may have lost or gained on its way.
std::string LikelyReason(const Told& told, int64_t timestamp, const std::string& field) {
  const auto fits = [&](const std::string& body) {
    return told.key.Proves(SignedContent(told.id, timestamp, body), field);
  };
  if (told.body.ends_with('\n') && fits(told.body.substr(0, told.body.size() - 1))) {
    return "it is that of the body without its last line feed";
  }
  if (fits(told.body + "\n")) return "it is that of the body with a line feed at its end";
  return "it is another key's, or id, timestamp or body are not what was signed";
}

// One entry that proves is enough: those that cannot be read are only told where there is none.
void CheckSignature(const Told& told, int64_t timestamp, const std::string& field, Checks& checks) {
  const absl::string_view version(told.key.version().data(), told.key.version().size());
  int entries = 0;
  std::vector<int> unreadable;
  for (const absl::string_view entry : absl::StrSplit(field, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits(',', 1));
    std::string bytes;
    if (parts.first != version) continue;
    ++entries;
    if (!absl::Base64Unescape(parts.second, &bytes)) unreadable.push_back(entries);
  }
  if (told.key.Proves(SignedContent(told.id, timestamp, told.body), field)) {
    return checks.Note(true, "signature",
                       absl::StrCat("one of ", entries, " of ", version, " is this key's"));
  }
  if (entries == 0) {
    return checks.Note(false, "signature",
                       absl::StrCat("has no entry of ", version, ", which is the key's version"));
  }
  for (const int entry : unreadable) {
    checks.Note(false, "signature",
                absl::StrCat("entry ", entry, " of ", version, " is not base64"));
  }
  if (unreadable.size() < static_cast<size_t>(entries)) {
    checks.Note(false, "signature", LikelyReason(told, timestamp, field));
  }
}

int RunVerify(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Told> told = ReadFlags(arguments);
  if (!told.ok()) return Complain("verify", std::string(told.status().message()), kUsage);
  const std::string field = absl::GetFlag(FLAGS_signature);
  if (field.empty()) return Complain("verify", "--signature: the field webhook-signature", kUsage);
  if (absl::GetFlag(FLAGS_timestamp).empty()) {
    return Complain("verify", "--timestamp: the field webhook-timestamp", kUsage);
  }
  Checks checks;
  const std::optional<int64_t> timestamp = Timestamp();
  CheckTimestamp(timestamp, checks);
  if (timestamp) CheckSignature(*told, *timestamp, field, checks);  // which is signed with the rest
  return checks.good() ? kDone : kFailed;
}

}  // namespace

Command SignCommand() {
  Command command;
  command.name = "sign";
  command.arguments = "[FILE | -]";
  command.summary = "sign a body by Standard Webhooks";
  command.details =
      "Prints the three fields webhook-id, webhook-timestamp and webhook-signature for the body "
      "in\n"
      "FILE, or on standard input. A whsec_ signs v1, a whsk_ v1a.";
  command.flags = {"key", "id", "timestamp"};
  command.run = RunSign;
  return command;
}

Command VerifyCommand() {
  Command command;
  command.name = "verify";
  command.arguments = "[FILE | -]";
  command.summary = "tell whether a signature by Standard Webhooks is good, and if not, why";
  command.details =
      "The fields of a request as they came, and its body in FILE or on standard input, byte for\n"
      "byte, inflated where it came with Content-Encoding: gzip. Prints a line for each check. "
      "Exit\n"
      "status: 0 it is good, 1 a check failed.";
  command.flags = {"key", "id", "timestamp", "signature", "tolerance"};
  command.run = RunVerify;
  return command;
}

}  // namespace tallybus::cli
