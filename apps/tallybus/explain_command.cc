// `tallybus explain`: what would become of this event, and why?
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <simdjson.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "apps/explanation/explanation.h"
#include "apps/explanation/input_file.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/desk_door.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybusd/config/config_load.h"
#include "apps/tallybusd/transport_catalog.h"

namespace tallybus::cli {
namespace {

absl::StatusOr<SessionConfig> OfFile(const std::string& path) {
  absl::StatusOr<std::string> json = ReadInput(path);
  if (!json.ok()) return json.status();
  ParsedRestClientConfig parsed = ParseRestClientConfig(*json);
  if (!parsed.warnings.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--session-config: ", path, ": ", parsed.warnings.front()));
  }
  return SessionConfig{std::move(parsed.config), path, *std::move(json)};
}

// Asks the daemon, at its configuration's own door, or the folder of one that is stopped.
absl::StatusOr<SessionConfig> OfSession(const std::string& session, const config::Config& daemon) {
  absl::StatusOr<std::unique_ptr<DeskDoor>> door = DeskDoor::Open(daemon.listen.admin.value_or(""));
  if (!door.ok()) return door.status();
  absl::StatusOr<std::string> json =
      (*door)->Ask("GET", Target("/api/v1/sessions").Add("session", session).text());
  if (!json.ok()) return json.status();
  simdjson::dom::parser parser;
  simdjson::dom::element page;
  simdjson::dom::array sessions;
  if (parser.parse(*json).get(page) != simdjson::SUCCESS ||
      page["sessions"].get(sessions) != simdjson::SUCCESS) {
    return absl::UnknownError("the daemon's answer is not what was asked for");
  }
  if (sessions.size() == 0) {
    return absl::NotFoundError(absl::StrCat("--session: no session ", session, " is connected"));
  }
  simdjson::dom::element config;
  SessionConfig found;
  found.from = "as the daemon has it";
  if (sessions.at(0)["restClientConfig"].get(config) == simdjson::SUCCESS) {
    found.config = ParseRestClientConfig(simdjson::minify(config)).config;
  }
  return found;
}

absl::StatusOr<SessionConfig> SessionConfigFromFlags(const config::Config& config) {
  const std::string file = absl::GetFlag(FLAGS_session_config);
  const std::string session = absl::GetFlag(FLAGS_session);
  if (!file.empty() && !session.empty()) {
    return absl::InvalidArgumentError("--session and --session-config: one of them");
  }
  if (!file.empty()) return OfFile(file);
  return session.empty() ? SessionConfig() : OfSession(session, config);
}

absl::StatusOr<std::string> ExplainByFlags() {
  config::LoadOptions load;
  if (const std::string file = absl::GetFlag(FLAGS_config); !file.empty()) load.file = file;
  absl::StatusOr<config::Config> config = config::Load(load);
  if (!config.ok()) return config.status();
  absl::StatusOr<TransportCatalog> catalog = MakeCatalog(*config);
  if (!catalog.ok()) return catalog.status();
  absl::StatusOr<std::vector<Sample>> samples =
      SampleEvents(absl::Now(), config->node.name)
          .Make(absl::GetFlag(FLAGS_event), absl::GetFlag(FLAGS_method));
  if (!samples.ok()) return samples.status();
  if (samples->size() != 1) return absl::InvalidArgumentError("--event: one event at a time");
  if (samples->front().event.method == kTestEvent) {
    return absl::InvalidArgumentError(
        "--event: a TallybusTestEvent goes by no route; `tallybus endpoint test` sends it to one "
        "endpoint");
  }
  absl::StatusOr<SessionConfig> session = SessionConfigFromFlags(*config);
  if (!session.ok()) return session.status();
  return Explain(*config, catalog->registry, samples->front(), *session,
                 absl::GetFlag(FLAGS_reveal));
}

int Run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() || absl::GetFlag(FLAGS_event).empty()) {
    return Complain("explain", "which event? --event FILE, or - for standard input", kUsage);
  }
  const absl::StatusOr<std::string> told = ExplainByFlags();
  if (!told.ok()) return Complain("explain", std::string(told.status().message()), kFailed);
  std::cout << *told << std::flush;
  return kDone;
}

}  // namespace

Command ExplainCommand() {
  Command command;
  command.name = "explain";
  command.summary = "what would become of an event, and why? Sends nothing";
  command.details =
      "Reads the daemon's configuration and one event (an object in a file, or a method by its\n"
      "name), and prints what governs it and where that comes from, which routes take it and why\n"
      "the others do not, each request as it would be sent, and what clients get. Ids, times and\n"
      "signatures are those of this moment. With --session the session's restClientConfig is "
      "asked\n"
      "of the daemon that this configuration describes, or that --admin names; with\n"
      "--session-config it is read from a file. Authorization, the query of a\n"
      "URL, and what looks like a credential in an event (password, authToken, sdp, ...) are "
      "shown\n"
      "as *** unless there is --reveal.";
  command.flags = {"config", "event", "method", "session", "session_config",
                   "reveal", "admin", "spool",  "timeout"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
