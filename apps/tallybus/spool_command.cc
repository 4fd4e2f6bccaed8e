// `tallybus spool` and `tallybus replay`: what waits, what is dead, and what is sent again.
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <simdjson.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/command_line.h"
#include "apps/tallybus/desk_door.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/table.h"
#include "tallybus/counted.h"

namespace tallybus::cli {
namespace {

using Element = simdjson::dom::element;

std::string TextOf(Element row, const char* key) {
  std::string_view text;
  if (row[key].get(text) == simdjson::SUCCESS) return std::string(text);
  uint64_t number = 0;
  if (row[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  return "";
}

uint64_t NumberOf(Element row, const char* key) {
  uint64_t number = 0;
  return row[key].get(number) == simdjson::SUCCESS ? number : 0;
}

// Calls `each` with every row of every page, until `most` (0: no end).
absl::Status Walk(DeskDoor& door, const Target& target, uint64_t most,
                  const std::function<void(Element)>& each) {
  simdjson::dom::parser parser;
  uint64_t after = 0;
  uint64_t seen = 0;
  do {
    Target page = target;
    if (after != 0) page.Add("after", std::to_string(after));
    absl::StatusOr<std::string> json = door.Ask("GET", page.text());
    if (!json.ok()) return json.status();
    Element answer;
    simdjson::dom::array rows;
    if (parser.parse(*json).get(answer) != simdjson::SUCCESS ||
        answer["rows"].get(rows) != simdjson::SUCCESS ||
        answer["next"].get(after) != simdjson::SUCCESS) {
      return absl::InternalError("the daemon's answer is not understood; is it of this version?");
    }
    for (Element row : rows) {
      if (most != 0 && seen == most) return absl::OkStatus();
      ++seen;
      each(row);
    }
  } while (after != 0);
  return absl::OkStatus();
}

int Failed(const char* command, const absl::Status& status) {
  return Complain(command, std::string(status.message()), kFailed);
}

Target SpoolTarget(const std::string& states) {
  Target target("/api/v1/spool");
  const std::string written = absl::GetFlag(FLAGS_state);
  target.Add("state", written.empty() ? states : written).AddFilter();
  if (absl::GetFlag(FLAGS_reveal)) target.Add("reveal", "1");
  return target;
}

int List(DeskDoor& door) {
  Table table({"ROW", "STATE", "TIME", "ID", "ROUTE", "METHOD", "STATUS", "STREAM", "ATTEMPTS",
               "HTTP", "REASON"});
  const bool json = absl::GetFlag(FLAGS_json);
  const uint64_t limit = absl::GetFlag(FLAGS_limit).value_or(100);
  uint64_t rows = 0;
  absl::Status status = Walk(door, SpoolTarget("waiting,dead"), limit, [&](Element row) {
    ++rows;
    if (json) {
      std::cout << simdjson::minify(row) << "\n";
      return;
    }
    std::vector<std::string> cells;
    for (const char* key :
         {"row", "state", "time", "id", "route", "method", "status", "stream", "attempts"}) {
      cells.push_back(TextOf(row, key));
    }
    const std::string http = TextOf(row, "httpStatus");
    cells.push_back(http == "0" ? "" : http);  // no answer came
    cells.push_back(TextOf(row, "reason"));
    table.Add(std::move(cells));
  });
  if (!status.ok()) return Failed("spool", status);
  if (!json) std::cout << table.Render(TerminalWidth(STDOUT_FILENO));
  std::cout << std::flush;
  if (!json) {
    std::cerr << Counted(rows, "row") << (rows == limit ? "; there may be more: --limit 0" : "")
              << "\n";
  }
  return kDone;
}

int Show(DeskDoor& door, const std::string& id) {
  absl::SetFlag(&FLAGS_id, id);
  Target target = SpoolTarget("waiting,dead,delivered");
  target.Add("bodies", "1");
  uint64_t rows = 0;
  absl::Status status = Walk(door, target, 0, [&](Element row) {
    ++rows;
    std::cout << simdjson::minify(row) << "\n";
  });
  if (!status.ok()) return Failed("spool", status);
  std::cout << std::flush;
  if (rows == 0) return Complain("spool", absl::StrCat("no row has the id ", id), kFailed);
  return kDone;
}

int Export(DeskDoor& door) {
  Target target = SpoolTarget("waiting,dead,delivered");
  target.Add("bodies", "1");
  absl::Status status = Walk(door, target, absl::GetFlag(FLAGS_limit).value_or(0),
                             [](Element row) { std::cout << simdjson::minify(row) << "\n"; });
  std::cout << std::flush;
  return status.ok() ? kDone : Failed("spool", status);
}

// What an action found and could not do, with the mend.
std::vector<std::string> LeftOf(Element result) {
  std::vector<std::string> left;
  const auto tell = [&](const char* key, std::string_view what, std::string_view mend) {
    const uint64_t count = NumberOf(result, key);
    if (count != 0)
      left.push_back(absl::StrCat(Counted(count, std::string(what)), std::string(mend)));
  };
  tell("no_route", "event", " whose route is not configured: configure one of that name, or drop");
  tell("damaged", "row", " that the disk gave back damaged: spool show has what is left");
  tell("disabled", "event",
       " of a disabled endpoint, which would become dead letters again: first tallybus endpoint "
       "enable ROUTE");
  tell("rejected", "record",
       " that the bus refused, of which nothing can be sent: spool show has the bytes, and drop "
       "forgets them");
  tell(
      "no_room", "event",
      absl::StrCat(" for lack of room in the route's quota: once what waits was delivered, ask for "
                   "the rest with --rows ",
                   TextOf(result, "rest")));
  return left;
}

int TellLeft(const char* command, Element result) {
  const std::vector<std::string> left = LeftOf(result);
  if (left.empty()) return kDone;
  return Complain(command, absl::StrCat("left: ", absl::StrJoin(left, "; ")), kFailed);
}

// An action on what a filter finds; without one it wants to hear --all.
int Act(const char* command, DeskDoor& door, const std::string& path) {
  Target target(path);
  target.AddFilter();
  if (!target.narrowed() && !absl::GetFlag(FLAGS_all)) {
    return Complain(command,
                    "of which events? Give a filter (--id, --stream, --route, --since ...) "
                    "or --all",
                    kUsage);
  }
  const bool dry = absl::GetFlag(FLAGS_dry_run);
  if (dry) target.Add("dry_run", "1");
  absl::StatusOr<std::string> answer = door.Ask("POST", target.text());
  if (!answer.ok()) return Failed(command, answer.status());
  simdjson::dom::parser parser;
  Element result;
  if (parser.parse(*answer).get(result) != simdjson::SUCCESS) {
    return Complain(command, "the daemon's answer is not understood", kFailed);
  }
  if (absl::GetFlag(FLAGS_json)) {
    std::cout << *answer << std::endl;
    return LeftOf(result).empty() ? kDone : kFailed;
  }
  if (result["dropped"].error() == simdjson::SUCCESS) {
    std::cout << Counted(NumberOf(result, "dropped"), "dead letter")
              << (dry ? " would be dropped" : " dropped") << std::endl;
    return kDone;
  }
  const uint64_t again = NumberOf(result, "replayed");
  std::cout << Counted(again, "event")
            << (dry          ? " would be sent again"
                : again == 1 ? " is sent again"
                             : " are sent again")
            << "; no route now: " << TextOf(result, "no_route")
            << ", damaged: " << TextOf(result, "damaged");
  if (const uint64_t alerts = NumberOf(result, "alerts"); alerts != 0) {
    std::cout << ", left out as alerts: " << alerts << " (--route sends its own)";
  }
  std::cout << std::endl;
  return TellLeft(command, result);
}

int RunSpool(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  const bool show = verb == "show";
  const std::map<std::string, std::vector<std::string>> useless = {
      {"ls", {"all", "dry_run", "reveal"}},
      {"show", {"all", "dry_run", "limit", "id"}},
      {"export", {"all", "dry_run"}},
      {"retry", {"state", "limit", "reveal"}},
      {"drop", {"state", "limit", "reveal"}}};
  const auto known = useless.find(verb);
  if (known == useless.end() || arguments.size() != (show ? 2u : 1u)) {
    return Complain("spool", "ls, show ID, retry, drop or export: which one?", kUsage);
  }
  if (absl::Status use = RefuseFlags(verb, known->second); !use.ok()) {
    return Complain("spool", std::string(use.message()), kUsage);
  }
  absl::StatusOr<std::unique_ptr<DeskDoor>> door = DeskDoor::Open();
  if (!door.ok()) return Failed("spool", door.status());
  if (verb == "ls") return List(**door);
  if (show) return Show(**door, arguments[1]);
  if (verb == "export") return Export(**door);
  if (verb == "retry") return Act("spool", **door, "/api/v1/spool/retry");
  return Act("spool", **door, "/api/v1/spool/drop");
}

int RunReplay(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    return Complain("replay", absl::StrCat("'", arguments[0], "': it takes flags only"), kUsage);
  }
  absl::StatusOr<std::unique_ptr<DeskDoor>> door = DeskDoor::Open();
  if (!door.ok()) return Failed("replay", door.status());
  return Act("replay", **door, "/api/v1/replay");
}

}  // namespace

Command SpoolCommand() {
  Command command;
  command.name = "spool";
  command.arguments = "ls | show ID | retry | drop | export";
  command.summary = "look at what waits and at dead letters; retry or drop those";
  command.details =
      "ls      rows that wait and dead letters, a row in each line\n"
      "show    the rows of one event, with its object\n"
      "retry   sends dead letters again, under their ids, behind what waits in their lanes;\n"
      "        alerts only where --route names their route\n"
      "drop    forgets dead letters; --dry-run counts only, here as with retry\n"
      "export  every row with its object, one JSON object in each line\n"
      "\n"
      "Asks the running daemon, or with --spool DIR reads and changes a spool that no daemon has\n"
      "open. Filters narrow what is meant. What looks like a credential is shown as *** but for\n"
      "--reveal. Exit status 0: done; 1: it failed; 2: not understood.";
  command.flags = WithFilterFlags({"state", "limit", "all", "dry_run", "reveal"});
  command.run = RunSpool;
  return command;
}

Command ReplayCommand() {
  Command command;
  command.name = "replay";
  command.summary = "send again what was retained, and dead letters";
  command.details =
      "Sends what the filter finds again: dead letters, and what spool.retain keeps of delivered\n"
      "events. Each keeps its id, carries tallybus-redelivery, and comes behind what waits in its\n"
      "lane. Old alerts would page people: they are left out, unless --route names their route.\n"
      "--dry-run counts only. With --spool DIR a daemon that starts later sends them.";
  command.flags = WithFilterFlags({"all", "dry_run"});
  command.run = RunReplay;
  return command;
}

}  // namespace tallybus::cli
