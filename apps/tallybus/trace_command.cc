// `tallybus trace`: where is my event?
#include <absl/flags/flag.h>
#include <absl/time/time.h>
#include <simdjson.h>

#include <iostream>
#include <string>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/desk_door.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/time_line.h"

namespace tallybus::cli {
namespace {

bool KnowsAny(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element trace;
  simdjson::dom::array events;
  return parser.parse(json).get(trace) == simdjson::SUCCESS &&
         trace["events"].get(events) == simdjson::SUCCESS && events.size() > 0;
}

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) {
    return Complain(
        "trace", "of what? An event's id, a stream's name or mediaSessionId, or a session", kUsage);
  }
  absl::StatusOr<std::unique_ptr<DeskDoor>> door = DeskDoor::Open();
  if (!door.ok()) return Complain("trace", std::string(door.status().message()), kFailed);
  absl::StatusOr<std::string> json =
      (*door)->Ask("GET", Target("/api/v1/trace").Add("of", arguments[0]).text());
  if (!json.ok()) return Complain("trace", std::string(json.status().message()), kFailed);
  const int status = KnowsAny(*json) ? kDone : kFailed;
  if (absl::GetFlag(FLAGS_json)) {
    std::cout << *json << std::endl;
    return status;
  }
  absl::StatusOr<std::string> lines = TimeLine(*json, absl::LocalTimeZone());
  if (!lines.ok()) return Complain("trace", std::string(lines.status().message()), kFailed);
  std::cout << *lines << std::flush;
  return status;
}

}  // namespace

Command TraceCommand() {
  Command command;
  command.name = "trace";
  command.arguments = "ID | STREAM | SESSION";
  command.summary = "where is my event? A time line, and one sentence";
  command.details =
      "Asks the daemon what became of an event, by its id, or of the events of a stream or a\n"
      "session: accepted, told to clients, each attempt, and why nothing was sent. The daemon\n"
      "remembers its last 65,536 events, and looks for others in the spool: what waits there, and\n"
      "dead letters. With --spool it reads those two in the folder of a spool that no daemon has\n"
      "open. Exit status 1: nothing is known of it.";
  command.flags = WithDeskFlags({});
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
