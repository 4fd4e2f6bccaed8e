// The daemon's own decision and its own request, over transports that go nowhere.
#include "apps/explanation/explanation.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <utility>
#include <vector>

#include "apps/explanation/paper_routes.h"
#include "tallybus/codec.h"
#include "tallybus/rehearsal.h"
#include "transports/rest/prepared_request.h"

namespace tallybus {
namespace {

std::string Listed(const FieldSetPtr& fields) {
  return fields == nullptr ? "none" : absl::StrJoin(*fields, ", ");
}

bool Lists(const RestClientConfig& config, const std::string& method) {
  return config.by_method().contains(method);
}

// Which config governs, and the sentence that says why.
struct Governing {
  MethodPolicy policy;
  std::string from;
};

Governing GoverningOf(const Event& event, const SessionConfig& session, const RoutePtr& route) {
  const std::string unlisted = absl::StrCat(", which does not list ", event.method, ": defaults");
  if (session.config != nullptr) {
    return {session.config->For(event.method),
            absl::StrCat("of the session (", session.from, ")",
                         Lists(*session.config, event.method) ? "" : unlisted)};
  }
  if (route == nullptr || route->app_config->by_method().empty()) {
    return {MethodPolicy(), "the defaults: neither session nor app has any"};
  }
  const std::string app = absl::StrCat("apps.", event.app_key, ".rest_client_config");
  return {route->app_config->For(event.method),
          Lists(*route->app_config, event.method) ? app : app + unlisted};
}

// "Authorization: Basic aGk=" is a credential from its second word on.
std::string Redacted(const std::string& request) {
  std::vector<std::string> lines = absl::StrSplit(request, "\r\n");
  for (std::string& line : lines) {
    constexpr std::string_view kField = "Authorization: ";
    if (line.empty()) break;  // the body
    if (!line.starts_with(kField)) continue;
    line.resize(std::min(line.size(), line.find(' ', kField.size())));
    line += " ***";
  }
  return absl::StrJoin(lines, "\r\n");
}

std::string Indented(const std::string& text) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    absl::StrAppend(&out, line.empty() ? "" : "    ", line, "\n");
  }
  return out;
}

class Explanation {
 public:
  Explanation(const Sample& sample, const PaperRoutes& routes, bool reveal)
      : sample_(sample), routes_(routes), reveal_(reveal) {}

  void TellEvent() {
    const Event& event = sample_.event;
    absl::StrAppend(&text_, "event    ", event.method, " of app ", event.app_key);
    const std::pair<const char*, const std::string&> names[] = {
        {", session ", event.session_id}, {", stream ", event.name}, {", status ", event.status}};
    for (const auto& [word, name] : names) {
      if (!name.empty()) absl::StrAppend(&text_, word, name);
    }
    absl::StrAppend(&text_, event.terminal ? ", an end" : "", "\nlane     ", sample_.lane, "\n");
  }

  void TellPolicy(const Governing& governing) {
    const MethodPolicy& policy = governing.policy;
    absl::StrAppend(&text_, "policy   ", governing.from, "\n");
    const std::pair<const char*, std::string> fields[] = {
        {"restPolicy", std::string(RestPolicyWord(policy.rest_policy))},
        {"restOnError", policy.on_error == OnError::kFail ? "FAIL" : "LOG"},
        {"restExclude", Listed(policy.rest_exclude)},
        {"clientExclude", Listed(policy.client_exclude)},
        {"restOverwrite", Listed(policy.rest_overwrite)}};
    for (const auto& [name, value] : fields) {
      absl::StrAppendFormat(&text_, "  %-14s %s\n", name, value);
    }
  }

  void TellNoBackend(const Rehearsal& decision) {
    if (decision.backend == AtBackend::kSend) return;
    Not(sample_.event.app_key + "/backend", WhyNoBackend(decision.backend, sample_.event));
  }

  void Not(const std::string& route, const std::string& why) {
    absl::StrAppend(&text_, "\nroute    ", route, ": not sent, ", why, "\n");
  }

  absl::Status TellTarget(const Target& target, bool rehearsed) {
    const Route& route = *target.route;
    absl::StrAppend(&text_, "\nroute    ", route.name,
                    rehearsed           ? ": not sent, dry_run; it would be\n"
                    : target.overwrites ? ": sent, and the client's copy waits for the answer\n"
                                        : ": sent\n");
    if (route.endpoint_count() > 1) {
      absl::StrAppend(&text_, "  to one of ", route.endpoint_count(), " endpoints, pick: ",
                      route.pick == Pick::kRoundRobin ? "round_robin" : "first_healthy", "\n");
    }
    for (size_t i = 0; i < route.endpoint_count(); ++i) {
      if (absl::Status status = TellRequest(target, route.endpoint_at(i)); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  void TellClients(const Rehearsal& decision) {
    const Event& event = sample_.event;
    absl::StrAppend(&text_, "\nclients  ");
    if (!decision.for_clients) {
      absl::StrAppend(&text_, "none: ", event.method, " is not for them\n");
      return;
    }
    const std::string json = ObjectForClients(decision, event);
    absl::StrAppend(
        &text_, "of ", event.session_id.empty() ? "no session" : event.session_id,
        ", and who watches the stream or the app\n",
        Indented(absl::StrCat("{\"message\":\"", event.method, "\",\"data\":[", json, "]}")));
  }

  std::string Take() { return std::move(text_); }

 private:
  absl::Status TellRequest(const Target& target, const Endpoint& endpoint) {
    const Event& event = sample_.event;
    const std::string body = ObjectFor(target, event);
    const Parcel parcel = {.event = event,
                           .body = body,
                           .lane = sample_.lane,
                           .lane_sequence = sample_.lane_sequence,
                           .attempt = 1,
                           .redelivery = false,
                           .reordered = false,
                           .coalesced = 0};
    const Delivery delivery = {.ticket = Ticket(1),
                               .parcels = {&parcel, 1},
                               .endpoint = endpoint,
                               .deadline = {},
                               .want_answer = false};
    if (routes_.SchemeOf(*target.route) != config::kRest) {
      absl::StrAppend(&text_, "  to ", endpoint.url, "\n", Indented(body));
      return absl::OkStatus();
    }
    absl::StatusOr<std::string> request = rest::RequestText(delivery, clock_);
    if (!request.ok()) return request.status();
    absl::StrAppend(&text_, "  to ", endpoint.url, "\n",
                    Indented(reveal_ ? *request : Redacted(*request)));
    return absl::OkStatus();
  }

  const Sample& sample_;
  const PaperRoutes& routes_;
  const bool reveal_;
  SystemClock clock_;
  std::string text_;
};

}  // namespace

absl::StatusOr<std::string> Explain(const config::Config& config, const TransportRegistry& registry,
                                    const Sample& sample, const SessionConfig& session,
                                    bool reveal) {
  const absl::StatusOr<PaperRoutes> paper = PaperRoutes::Make(config, registry);
  if (!paper.ok()) return paper.status();
  const RouteTable& routes = paper->table();
  const Event& event = sample.event;
  const auto own = routes.by_app.find(event.app_key);
  const RoutePtr route = own == routes.by_app.end() ? nullptr : own->second;
  const Rehearsal decision = Rehearse(event, session.config, routes);

  Explanation told(sample, *paper, reveal);
  told.TellEvent();
  told.TellPolicy(GoverningOf(event, session, route));
  told.TellNoBackend(decision);
  for (const Target& target : decision.targets) {
    if (absl::Status status = told.TellTarget(target, false); !status.ok()) return status;
  }
  for (const RoutePtr& rehearsed : decision.rehearsed) {
    absl::Status status = told.TellTarget(AsTarget(rehearsed), true);
    if (!status.ok()) return status;
  }
  for (const RoutePtr& other : routes.others) {
    if (!other->match.Fits(event)) told.Not(other->name, WhyNotTaken(*other, event));
  }
  told.TellClients(decision);
  return told.Take();
}

}  // namespace tallybus
