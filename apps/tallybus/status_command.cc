// `tallybus status`: what a daemon says about itself.
#include <absl/flags/flag.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <simdjson.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "apps/tallybus/admin_client.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/table.h"

namespace tallybus::cli {
namespace {

constexpr char kTarget[] = "/api/v1/status";

// A row for each value; those inside of an object have its name before theirs: spool.used_bytes.
void AddRows(const std::string& prefix, simdjson::dom::object object, Table& table) {
  for (const auto& [key, value] : object) {
    const std::string name = absl::StrCat(prefix, std::string(key));
    simdjson::dom::object inner;
    std::string_view text;
    if (value.get(inner) == simdjson::SUCCESS) {
      AddRows(name + ".", inner, table);
    } else if (value.get(text) == simdjson::SUCCESS) {
      table.Add({name, std::string(text)});
    } else {
      table.Add({name, simdjson::minify(value)});
    }
  }
}

// False where `json` is no object.
bool PrintTable(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS) return false;
  Table table;
  AddRows("", object, table);
  std::cout << table.Render(TerminalWidth(STDOUT_FILENO)) << std::flush;
  return true;
}

int Show(const AdminClient& client, const AdminClient::Answer& answer) {
  // 503 is an answer too: the daemon is there, and says what ails it.
  const bool is_status = (answer.status == 200 || answer.status == 503) &&
                         absl::StartsWith(answer.content_type, "application/json");
  if (!is_status) {
    const absl::Status status = client.Judge(answer);
    return Complain("status",
                    status.ok() ? absl::StrCat("what answers at ", client.address(),
                                               " is no tallybusd: it sends no JSON")
                                : std::string(status.message()),
                    kFailed);
  }
  if (absl::GetFlag(FLAGS_json)) {
    std::cout << answer.body << (absl::EndsWith(answer.body, "\n") ? "" : "\n") << std::flush;
  } else if (!PrintTable(answer.body)) {
    return Complain("status",
                    absl::StrCat("what answers at ", client.address(),
                                 " is no tallybusd: it sends no JSON object"),
                    kFailed);
  }
  return answer.status == 200 ? kDone : kFailed;
}

int Run(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    return Complain("status", absl::StrCat("'", arguments[0], "': it takes flags only"), kUsage);
  }
  AdminClient::Limits limits;
  limits.timeout = absl::GetFlag(FLAGS_timeout).value_or(limits.timeout);
  const absl::StatusOr<AdminClient> client = AdminClient::At(absl::GetFlag(FLAGS_admin), limits);
  if (!client.ok()) {
    return Complain("status", absl::StrCat("--admin: ", client.status().message()), kUsage);
  }
  const absl::StatusOr<AdminClient::Answer> answer = client->Get(kTarget);
  if (!answer.ok()) return Complain("status", std::string(answer.status().message()), kFailed);
  return Show(*client, *answer);
}

}  // namespace

Command StatusCommand() {
  Command command;
  command.name = "status";
  command.summary = "ask a running tallybusd how it is";
  command.details =
      "Asks the daemon's admin socket, by default admin.sock in the runtime directory, and shows\n"
      "what it says about itself: a value in each line, or with --json the object as it came.\n"
      "Exit status 0: it is ok; 1: it is not, or nobody answers within --timeout (15s).";
  command.flags = {"admin", "json", "timeout"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
