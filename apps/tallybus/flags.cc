// The flags' types, defaults and one-line meanings; usage texts are made from these.
#include "apps/tallybus/flags.h"

#include <absl/flags/flag.h>

ABSL_FLAG(std::string, method, "StreamStatusEvent", "the event's method");
ABSL_FLAG(std::string, to, "tcp://127.0.0.1:5581", "the router's open bus");
ABSL_FLAG(bool, protobuf, false, "a switch: send protobuf envelopes instead of JSON");
ABSL_FLAG(uint64_t, count, 1, "how many times the objects are sent");
ABSL_FLAG(std::string, rate, "", "the most events a second, for example 100/s; none: no limit");
ABSL_FLAG(std::optional<absl::Duration>, timeout, std::nullopt,
          "the longest wait, with its unit, for example 5s");
ABSL_FLAG(std::string, from, "tcp://127.0.0.1:5582", "the router's client channel");
ABSL_FLAG(std::string, session, "", "the one session to show; none: all");
ABSL_FLAG(bool, json, false, "a switch: JSON for scripts, one object in each line");
ABSL_FLAG(uint64_t, until, 0, "how many to take before ending; 0: no end");
ABSL_FLAG(std::string, address, "127.0.0.1", "the address to listen on");
ABSL_FLAG(uint16_t, port, 8081, "the port to listen on; 0 takes any free one");
ABSL_FLAG(std::string, answer, "200",
          "the answers in order, the last one repeated: statuses, hang, reset");
ABSL_FLAG(std::string, admin, "",
          "the daemon's admin door, unix:/path or http://host:port; none: the runtime directory's");
