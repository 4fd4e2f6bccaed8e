// The daemon's own decision and its own request, over transports that go nowhere.
#include "apps/explanation/explanation.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "apps/desk/desk_json.h"
#include "apps/explanation/paper_routes.h"
#include "apps/receive/visible.h"
#include "tallybus/codec.h"
#include "tallybus/rehearsal.h"
#include "transports/parts/attributes.h"

namespace tallybus {
namespace {

constexpr char kByDefault[] = "default";

std::string Listed(const FieldSetPtr& fields) {
  return fields == nullptr ? "none" : absl::StrJoin(*fields, ", ");
}

bool Lists(const RestClientConfig& config, const std::string& method) {
  return config.by_method().contains(method);
}

// Which config governs, and what it says itself.
struct Governing {
  MethodPolicy policy;
  std::string from;                             // the sentence that says why
  std::string whose;                            // "session", "apps.defaultApp"
  std::optional<std::set<std::string>> fields;  // that it names; nullopt: nobody knows which

  std::string OriginOf(const std::string& field, bool is_default) const {
    if (fields) return fields->contains(field) ? whose : kByDefault;
    return is_default ? whose + " or " + kByDefault : whose;
  }
};

// The fields that a session's restClientConfig names for a method.
std::optional<std::set<std::string>> FieldsOf(const std::string& json, const std::string& method) {
  if (json.empty()) return std::nullopt;
  std::set<std::string> fields;
  simdjson::dom::parser parser;
  simdjson::dom::element methods, inner;
  simdjson::dom::object object;
  if (parser.parse(json).get(methods) != simdjson::SUCCESS) return fields;
  if (methods["restClientConfig"].get(inner) == simdjson::SUCCESS) methods = inner;
  if (methods[method].get(object) != simdjson::SUCCESS) return fields;
  for (const auto& [field, value] : object) fields.emplace(field);
  return fields;
}

std::set<std::string> FieldsOf(const config::Config& config, const Event& event) {
  std::set<std::string> fields;
  const auto app = config.apps.find(event.app_key);
  if (app == config.apps.end()) return fields;
  for (const std::string& field : app->second.rest_client_config_fields) {
    if (field.starts_with(event.method + ".")) fields.insert(field.substr(field.rfind('.') + 1));
  }
  return fields;
}

Governing GoverningOf(const Event& event, const SessionConfig& session,
                      const config::Config& config, const RoutePtr& route) {
  const std::string unlisted = absl::StrCat(", which does not list ", event.method, ": defaults");
  if (session.config != nullptr) {
    return {session.config->For(event.method),
            absl::StrCat("of the session (", session.from, ")",
                         Lists(*session.config, event.method) ? "" : unlisted),
            "session",
            Lists(*session.config, event.method) ? FieldsOf(session.json, event.method)
                                                 : std::set<std::string>()};
  }
  if (route == nullptr || route->app_config->by_method().empty()) {
    return {MethodPolicy(), "the defaults: neither session nor app has any", "",
            std::set<std::string>()};
  }
  const std::string app = absl::StrCat("apps.", event.app_key);
  const std::string from = app + ".rest_client_config";
  return {route->app_config->For(event.method),
          Lists(*route->app_config, event.method) ? from : from + unlisted, app,
          FieldsOf(config, event)};
}

// "Authorization: Basic aGk=" is a credential from its second word on, and a URL from its query on.
std::string WithoutCredentials(const std::string& head) {
  std::vector<std::string> lines = absl::StrSplit(head, '\n');
  for (std::string& line : lines) {
    constexpr std::string_view kField = "Authorization: ";
    if (line.starts_with("POST ")) {
      const size_t query = line.find('?');
      if (query != line.npos) line.replace(query + 1, line.rfind(' ') - query - 1, "***");
    }
    if (!line.starts_with(kField)) continue;
    line.resize(std::min(line.size(), line.find(' ', kField.size())));
    line += " ***";
  }
  return absl::StrJoin(lines, "\n");
}

// What is masked is written anew; an object without credentials stays as it is.
std::string MaskedObject(const std::string& object) {
  std::string masked = desk::Redacted(object);
  return absl::StrContains(masked, R"("***")") ? masked : object;
}

std::string Indented(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::string out;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    absl::StrAppend(&out, line.empty() ? "" : "    ", receive::Visible({line.data(), line.size()}),
                    "\n");
  }
  return out;
}

// A call is no event: no other route and no client hears of it.
void AskOwnBackendAlone(Rehearsal* decision) {
  std::erase_if(decision->targets, [](const Target& target) { return !target.route->of_app; });
  decision->rehearsed.clear();
  decision->for_clients = false;
}

class Explanation {
 public:
  Explanation(const Sample& sample, const PaperRoutes& routes, const TransportRegistry& registry,
              bool reveal)
      : sample_(sample), routes_(routes), registry_(registry), reveal_(reveal) {}

  void TellEvent() {
    const Event& event = sample_.event;
    Say("event    ", event.method);
    const std::pair<const char*, const std::string&> names[] = {{" of app ", event.app_key},
                                                                {", session ", event.session_id},
                                                                {", stream ", event.name},
                                                                {", status ", event.status}};
    for (const auto& [word, name] : names) {
      if (!name.empty()) Say(word, receive::Visible(name));
    }
    Say(event.terminal ? ", an end" : "", "\nlane     ", receive::Visible(sample_.lane), "\n");
  }

  void TellPolicy(const Governing& governing) {
    const MethodPolicy& policy = governing.policy;
    Say("policy   ", receive::Visible(governing.from), "\n");
    struct Field {
      const char* name;
      std::string value;
      bool is_default;
    };
    const Field fields[] = {
        {"restPolicy", std::string(RestPolicyWord(policy.rest_policy)),
         policy.rest_policy == RestPolicy::kNotify},
        {"restOnError", policy.on_error == OnError::kFail ? "FAIL" : "LOG",
         policy.on_error == OnError::kLog},
        {"restExclude", Listed(policy.rest_exclude), policy.rest_exclude == nullptr},
        {"clientExclude", Listed(policy.client_exclude), policy.client_exclude == nullptr},
        {"restOverwrite", Listed(policy.rest_overwrite), policy.rest_overwrite == nullptr}};
    for (const auto& [name, value, is_default] : fields) {
      absl::StrAppendFormat(&text_, "  %-14s %-10s  (%s)\n", name, receive::Visible(value),
                            receive::Visible(governing.OriginOf(name, is_default)));
    }
  }

  void TellNoBackend(const Rehearsal& decision) {
    if (decision.backend == AtBackend::kSend || sample_.event.app_key.empty()) return;
    Not(receive::Visible(sample_.event.app_key) + "/backend",
        WhyNoBackend(decision.backend, sample_.event));
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
      if (absl::Status status = TellAttempt(target, route.endpoint_at(i)); !status.ok()) {
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
    std::string json = ObjectForClients(decision, event);
    if (!reveal_) json = MaskedObject(json);
    absl::StrAppend(
        &text_, "of ", event.session_id.empty() ? "no session" : receive::Visible(event.session_id),
        ", and who watches the stream or the app\n",
        Indented(absl::StrCat("{\"message\":\"", event.method, "\",\"data\":[", json, "]}")));
  }

  std::string Take() { return std::move(text_); }

 private:
  template <typename... Texts>
  void Say(const Texts&... texts) {
    absl::StrAppend(&text_, texts...);
  }

  absl::Status TellAttempt(const Target& target, const Endpoint& endpoint) {
    const std::string object = ObjectFor(target, sample_.event);
    absl::StatusOr<AttemptText> sent = AttemptOf(target, endpoint, object);
    if (!sent.ok()) return sent.status();
    if (!reveal_) {
      // Lengths and signatures stay those of what is sent.
      sent->head = WithoutCredentials(sent->head);
      const absl::StatusOr<AttemptText> masked = AttemptOf(target, endpoint, MaskedObject(object));
      if (!masked.ok()) return masked.status();
      sent->body = masked->body;
    }
    Say("  to ", reveal_ ? endpoint.url : desk::WithoutSecrets(endpoint.url), "\n",
        Indented(sent->head), "\n", Indented(sent->body));
    if (!sent->note.empty()) Say("    (", sent->note, ")\n");
    return absl::OkStatus();
  }

  absl::StatusOr<AttemptText> AttemptOf(const Target& target, const Endpoint& endpoint,
                                        const std::string& object) const {
    const Parcel parcel = {.event = sample_.event,
                           .body = object,
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
                               .want_answer = false,
                               .is_call = sample_.is_call};
    const TransportDescriptor* transport = registry_.Find(routes_.SchemeOf(*target.route));
    if (transport != nullptr && transport->tell) return transport->tell(delivery, clock_);
    return AttemptText{.head = parts::LinesOf(parts::AttributesOf(parcel)),
                       .body = object,
                       .note = "what the plugin is given; what it sends is its own"};
  }

  const Sample& sample_;
  const PaperRoutes& routes_;
  const TransportRegistry& registry_;
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
  Rehearsal decision = Rehearse(event, session.config, routes);
  if (sample.is_call) AskOwnBackendAlone(&decision);

  Explanation told(sample, *paper, registry, reveal);
  told.TellEvent();
  told.TellPolicy(GoverningOf(event, session, config, route));
  told.TellNoBackend(decision);
  for (const Target& target : decision.targets) {
    if (absl::Status status = told.TellTarget(target, false); !status.ok()) return status;
  }
  for (const RoutePtr& rehearsed : decision.rehearsed) {
    absl::Status status = told.TellTarget(AsTarget(rehearsed), true);
    if (!status.ok()) return status;
  }
  for (const RoutePtr& other : routes.others) {
    if (sample.is_call) {
      told.Not(other->name, "the app's own backend alone is asked");
    } else if (!other->match.Fits(event)) {
      told.Not(other->name, WhyNotTaken(*other, event));
    }
  }
  told.TellClients(decision);
  return told.Take();
}

}  // namespace tallybus
