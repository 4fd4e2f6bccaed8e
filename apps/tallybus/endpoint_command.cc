// `tallybus endpoint`: how each endpoint is, and what an operator decides about it.
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <pwd.h>
#include <simdjson.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "apps/tallybus/command.h"
#include "apps/tallybus/command_line.h"
#include "apps/tallybus/desk_door.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/table.h"

namespace tallybus::cli {
namespace {

using Element = simdjson::dom::element;

std::string Cell(Element row, const char* key) {
  std::string_view text;
  if (row[key].get(text) == simdjson::SUCCESS) return std::string(text);
  int64_t number = 0;
  if (row[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  return "";
}

std::string HeldMethods(Element row) {
  std::string text;
  simdjson::dom::array held;
  if (row["heldMethods"].get(held) != simdjson::SUCCESS) return text;
  for (Element method : held) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", Cell(method, "method"), " (",
                    Cell(method, Cell(method, "httpStatus") == "0" ? "reason" : "httpStatus"), ")");
  }
  return text;
}

int PrintTable(const std::string& json) {
  simdjson::dom::parser parser;
  Element answer;
  simdjson::dom::array endpoints;
  if (parser.parse(json).get(answer) != simdjson::SUCCESS ||
      answer["endpoints"].get(endpoints) != simdjson::SUCCESS) {
    return Complain("endpoint", "the daemon's answer is not understood", kFailed);
  }
  Table table({"ROUTE", "STATE", "SINCE", "WAITING", "IN FLIGHT", "LIMIT", "REASON", "AUTHOR",
               "HELD METHODS", "URL"});
  for (Element row : endpoints) {
    table.Add({Cell(row, "route"), Cell(row, "state"), Cell(row, "since"), Cell(row, "waiting"),
               Cell(row, "inFlight"), Cell(row, "limit"), Cell(row, "reason"), Cell(row, "author"),
               HeldMethods(row), Cell(row, "url")});
  }
  std::cout << table.Render(TerminalWidth(STDOUT_FILENO)) << std::flush;
  return kDone;
}

// One endpoint in full, a value in each line; what has none is left out.
int PrintOne(const std::string& json, const std::string& route) {
  simdjson::dom::parser parser;
  Element answer;
  simdjson::dom::array endpoints;
  if (parser.parse(json).get(answer) != simdjson::SUCCESS ||
      answer["endpoints"].get(endpoints) != simdjson::SUCCESS) {
    return Complain("endpoint", "the daemon's answer is not understood", kFailed);
  }
  for (Element row : endpoints) {
    if (Cell(row, "route") != route) continue;
    if (absl::GetFlag(FLAGS_json)) {
      std::cout << simdjson::minify(row) << std::endl;
      return kDone;
    }
    const std::pair<const char*, std::string> lines[] = {
        {"route", route},
        {"url", Cell(row, "url")},
        {"state", Cell(row, "state")},
        {"reason", Cell(row, "reason")},
        {"author", Cell(row, "author")},
        {"since", Cell(row, "since")},
        {"next try", Cell(row, "nextTry")},
        {"waiting", Cell(row, "waiting")},
        {"bytes", Cell(row, "bytes")},
        {"quota bytes", Cell(row, "quotaBytes")},
        {"oldest", Cell(row, "oldest")},
        {"breaker", Cell(row, "breaker")},
        {"in flight", Cell(row, "inFlight")},
        {"limit", Cell(row, "limit")},
        {"held methods", HeldMethods(row)},
        {"last error", Cell(row, "lastError")},
        {"last error at", Cell(row, "lastErrorAt")}};
    for (const auto& [name, value] : lines) {
      if (!value.empty()) std::cout << absl::StrFormat("%-14s ", name) << Printable(value) << "\n";
    }
    std::cout << std::flush;
    return kDone;
  }
  return Complain("endpoint",
                  absl::StrCat("no route is called '", route, "': tallybus endpoint ls has them"),
                  kFailed);
}

int PrintTest(const std::string& json) {
  simdjson::dom::parser parser;
  Element test;
  bool delivered = false;
  bool reused = false;
  double milliseconds = 0;
  if (parser.parse(json).get(test) != simdjson::SUCCESS ||
      test["delivered"].get(delivered) != simdjson::SUCCESS ||
      test["connectionReused"].get(reused) != simdjson::SUCCESS ||
      test["milliseconds"].get(milliseconds) != simdjson::SUCCESS) {
    return Complain("endpoint", "the daemon's answer is not understood", kFailed);
  }
  const std::string detail = Cell(test, "detail");
  const std::string status = Cell(test, "httpStatus");
  std::cout << (delivered ? "delivered" : "not delivered") << ": "
            << (status == "0" ? "" : status + " ")  // 0: no answer came
            << Printable(Cell(test, "reason")) << " after " << milliseconds << " ms, on a "
            << (reused ? "connection that was open" : "new connection")
            << (detail.empty() ? "" : " (" + Printable(detail) + ")") << std::endl;
  return delivered ? kDone : kFailed;
}

std::string Author() {
  const passwd* user = getpwuid(getuid());
  return user == nullptr ? absl::StrCat("uid ", getuid()) : std::string(user->pw_name);
}

int Run(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  const bool list = verb == "ls";
  const bool show = verb == "show";
  const bool known = list || show || verb == "test" || verb == "pause" || verb == "resume" ||
                     verb == "disable" || verb == "enable";
  if (!known || arguments.size() != (list ? 1u : 2u)) {
    return Complain("endpoint",
                    "ls, or show, test, pause, resume, disable, enable and a route: which one?",
                    kUsage);
  }
  if (list || show || verb == "test") {
    absl::Status use = RefuseFlags(verb, {"reason"});
    if (!use.ok()) return Complain("endpoint", std::string(use.message()), kUsage);
  }
  absl::StatusOr<std::unique_ptr<DeskDoor>> door = DeskDoor::Open();
  if (!door.ok()) return Complain("endpoint", std::string(door.status().message()), kFailed);
  Target target(list || show ? "/api/v1/endpoints" : "/api/v1/endpoints/" + verb);
  if (!list && !show) {
    target.Add("route", arguments[1]);
    if (verb != "test") target.Add("reason", absl::GetFlag(FLAGS_reason)).Add("author", Author());
  }
  absl::StatusOr<std::string> answer = (*door)->Ask(list || show ? "GET" : "POST", target.text());
  if (!answer.ok()) return Complain("endpoint", std::string(answer.status().message()), kFailed);
  if (show) return PrintOne(*answer, arguments[1]);
  if (absl::GetFlag(FLAGS_json)) {
    std::cout << *answer << std::endl;
    return kDone;
  }
  return verb == "test" ? PrintTest(*answer) : PrintTable(*answer);
}

}  // namespace

Command EndpointCommand() {
  Command command;
  command.name = "endpoint";
  command.arguments =
      "ls | show ROUTE | test ROUTE | pause ROUTE | resume ROUTE | disable ROUTE | enable ROUTE";
  command.summary = "how endpoints are; pause, resume, disable, enable, test one";
  command.details =
      "ls       every route's endpoint: its state, since when and why, what waits for it\n"
      "show     one endpoint in full: also its breaker, its oldest event and its last error\n"
      "test     sends one TallybusTestEvent, outside of all lanes, and prints the answer\n"
      "pause    goes on accepting, sends nothing\n"
      "resume   goes on now, gently: pause, holds, Retry-After and back-offs are over\n"
      "disable  what waits and what comes becomes a dead letter\n"
      "enable   the way back from disable, and from an endpoint's own 410\n"
      "\n"
      "Decisions outlive the daemon; --reason is kept with them. Exit status 1: it failed, or the\n"
      "test event was not delivered.";
  command.flags = WithDeskFlags({"reason"});
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
