// The flags' types, defaults and one-line meanings; usage texts are made from these.
#include "apps/tallybus/flags.h"

#include <absl/flags/flag.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

ABSL_FLAG(std::string, method, "StreamStatusEvent", "the event's method");
ABSL_FLAG(std::string, to, "tcp://127.0.0.1:5581",
          "pub: the router's open bus; trigger: the receiver's URL, as `url` of an app is");
ABSL_FLAG(bool, protobuf, false, "a switch: send protobuf envelopes instead of JSON");
ABSL_FLAG(uint64_t, count, 1, "how many times the objects are sent");
ABSL_FLAG(std::string, rate, "", "the most events a second, for example 100/s; none: no limit");
ABSL_FLAG(std::optional<absl::Duration>, timeout, std::nullopt,
          "the longest wait, with its unit, for example 5s");
ABSL_FLAG(std::string, from, "tcp://127.0.0.1:5582", "the router's client channel");
ABSL_FLAG(std::string, session, "",
          "tail: the one session to show; none: all; explain: whose restClientConfig governs");
ABSL_FLAG(bool, json, false, "a switch: JSON for scripts, one object in each line");
ABSL_FLAG(std::string, until, "",
          "tail, receive: how many to take before ending; replay, spool: only events before this "
          "time or age");
ABSL_FLAG(std::string, address, "127.0.0.1", "the address to listen on");
ABSL_FLAG(uint16_t, port, 8081, "the port to listen on; 0 takes any free one");
ABSL_FLAG(std::string, answer, "200",
          "the answers in order, the last one repeated: statuses, hang, reset");
ABSL_FLAG(std::string, admin, "",
          "the daemon's admin door, unix:/path or http://host:port; none: the runtime directory's");
ABSL_FLAG(std::string, spool, "",
          "the folder of a spool that no daemon has open, instead of asking a daemon");
ABSL_FLAG(std::string, state, "", "which rows, a list of waiting, dead, delivered");
ABSL_FLAG(std::string, rows, "", "for spool and replay: row numbers, such as 16-30");
ABSL_FLAG(std::string, since, "",
          "only events from this time on, 2026-11-21T03:00:00Z, or of this age, 90m or 2d");
ABSL_FLAG(std::string, app, "", "only events of this app key");
ABSL_FLAG(std::string, stream, "", "only events of this stream: its name or mediaSessionId");
ABSL_FLAG(std::string, route, "", "only events for this route, such as defaultApp/backend");
ABSL_FLAG(std::string, id, "", "only the event of this id; sign, verify: the field webhook-id");
ABSL_FLAG(std::optional<uint64_t>, limit, std::nullopt,
          "the most rows to show; 0: all; none: 100 for ls, all for export");
ABSL_FLAG(bool, all, false, "a switch: really all of them, without any filter");
ABSL_FLAG(bool, dry_run, false, "a switch: count what would be done, and do nothing");
ABSL_FLAG(std::string, config, "",
          "the daemon's configuration file; none: what it does without one");
ABSL_FLAG(std::string, event, "", "a file with one object, - for standard input, or a method");
ABSL_FLAG(std::string, session_config, "", "a file with the session's restClientConfig");
ABSL_FLAG(bool, reveal, false, "a switch: show what looks like a credential too");
ABSL_FLAG(std::string, reason, "", "why, for whoever looks at it later");
ABSL_FLAG(std::string, format, "wcs",
          "as of an app: wcs, cloudevents, json-array, ndjson, cloudevents-batch");
ABSL_FLAG(std::string, secret, "",
          "signs by Standard Webhooks: whsec_… or whsk_…, several with spaces between them, or "
          "file:PATH");
ABSL_FLAG(std::string, wcs_hash_key, "", "the key of Web Call Server's hash, or file:PATH");
ABSL_FLAG(std::string, username, "", "of the Basic credentials");
ABSL_FLAG(std::string, password, "", "of the Basic credentials, or file:PATH");
ABSL_FLAG(std::string, bearer_token, "", "of the Bearer credentials, or file:PATH");
ABSL_FLAG(std::string, ca_file, "", "PEM file of authorities to trust instead of the system's");
ABSL_FLAG(std::string, cert_file, "", "PEM file of the client's certificate, with its chain");
ABSL_FLAG(std::string, key_file, "", "PEM file of its key, not encrypted");
ABSL_FLAG(std::optional<tallybus::cli::Size>, compress_over, std::nullopt,
          "a size, for example 4KiB: larger bodies are sent with gzip");
ABSL_FLAG(bool, duplicate, false, "a switch: send the last event again");
ABSL_FLAG(std::optional<absl::Duration>, late, std::nullopt,
          "for example 20m: send what is so old, and what was signed so long ago");
ABSL_FLAG(bool, out_of_order, false, "a switch: send a newer event before an older one");
ABSL_FLAG(bool, forged, false, "a switch: send what another signed, and what nobody did");
ABSL_FLAG(std::string, key, "", "whsec_…, whsk_…, to verify whpk_… too, or file:PATH");
ABSL_FLAG(std::string, timestamp, "", "the field webhook-timestamp; sign: none is now");
ABSL_FLAG(std::string, signature, "", "the field webhook-signature");
ABSL_FLAG(std::optional<absl::Duration>, tolerance, std::nullopt,
          "how far the timestamp may be off; none: 5m");

ABSL_FLAG(tallybus::cli::Repeated, option, {},
          "NAME=VALUE, as in a route's `options`; may be given several times");
ABSL_FLAG(std::string, endpoint, "", "where the plugin sends to, as in a route's `endpoints`");
ABSL_FLAG(std::string, request_ends, "",
          "the bytes that end a request, in C escapes; none: \\0, with --arrived \\n");
ABSL_FLAG(std::string, reply_accept, "OK\\n", "what the peer says where it takes an event");
ABSL_FLAG(std::string, reply_reject, "REJECT not wanted\\n",
          "what it says where it will never take it");
ABSL_FLAG(std::string, reply_overload, "RETRY 7000 busy\\n",
          "what it says where it asks to come back in 7 s");
ABSL_FLAG(std::string, carries, "",
          "what a request must hold beside the body: list of method, id, time, lane, sequence, "
          "attempt");
ABSL_FLAG(std::string, arrived, "", "the file that the transport writes, in the place of a peer");

namespace tallybus::cli {

bool AbslParseFlag(absl::string_view text, Repeated* flag, std::string*) {
  flag->values = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return true;
}

std::string AbslUnparseFlag(const Repeated& flag) { return absl::StrJoin(flag.values, "\n"); }

bool AbslParseFlag(absl::string_view text, Size* flag, std::string*) {
  return absl::SimpleAtoi(text, &flag->bytes);
}

std::string AbslUnparseFlag(const Size& flag) { return absl::StrCat(flag.bytes); }

}  // namespace tallybus::cli
