// Each question is read on the server's thread and answered on the router's.
#include "apps/desk/desk_api.h"

#include <absl/strings/str_cat.h>

#include <functional>
#include <string>
#include <utility>

#include "apps/desk/desk_filter.h"
#include "apps/desk/desk_json.h"
#include "apps/desk/question.h"

namespace tallybus::desk {
namespace {

// What a question about rows says.
struct Asked {
  StoredFilter filter;
  bool bodies = false;
  bool reveal = false;
  bool dry_run = false;
  bool later_page = false;
};

// What a verb has no use of it refuses: passed over, it would be taken for heard.
using NamesCheck = absl::Status (*)(const QueryParameters&);

absl::Status OfPages(const QueryParameters& parameters) {
  return parameters.CheckNames({"state", "since", "until", "app", "stream", "session", "route",
                                "id", "rows", "after", "limit", "bodies", "reveal"});
}

absl::Status OfDeadLetters(const QueryParameters& parameters) {
  return parameters.CheckNames(
      {"since", "until", "app", "stream", "session", "route", "id", "rows", "dry_run"});
}

absl::Status OfReplay(const QueryParameters& parameters) {
  return parameters.CheckNames(
      {"state", "since", "until", "app", "stream", "session", "route", "id", "rows", "dry_run"});
}

absl::StatusOr<Asked> Read(const QueryParameters& parameters, NamesCheck names,
                           const std::string& states, absl::Time now) {
  if (absl::Status status = names(parameters); !status.ok()) return status;
  absl::StatusOr<StoredFilter> filter = FilterOf(parameters, states, now);
  if (!filter.ok()) return filter.status();
  Asked asked;
  asked.filter = *std::move(filter);
  const std::pair<const char*, bool*> switches[] = {
      {"bodies", &asked.bodies}, {"reveal", &asked.reveal}, {"dry_run", &asked.dry_run}};
  for (const auto& [name, value] : switches) {
    absl::StatusOr<bool> read = SwitchOf(parameters, name);
    if (!read.ok()) return read.status();
    *value = *read;
  }
  const std::string* after = parameters.Find("after");
  asked.later_page = after != nullptr && *after != "0";
  return asked;
}

// Has use(desk, asked) called on the router's thread, or answers what is wrong with the question.
template <typename Use>
void Rows(const Question& question, const HttpRequest& request, NamesCheck names,
          const std::string& states, const Answer& answer, Use use) {
  question.Parameters(request, answer, [&](const QueryParameters& parameters) {
    absl::StatusOr<Asked> asked = Read(parameters, names, states, question.clock().WallNow());
    if (!asked.ok()) {
      return answer(TextAnswer(
          400, absl::StrCat(request.method, " ", request.path, ": ", asked.status().message())));
    }
    question.AtDesk([asked = *asked, answer, use](Desk& desk) {
      if (asked.later_page) return use(desk, asked);  // the first one's names were checked
      CheckNamed(desk, asked.filter, [&desk, asked, answer, use](const absl::Status& known) {
        if (!known.ok()) return answer(ErrorAnswer(known));
        use(desk, asked);
      });
    });
  });
}

AsyncWebHandler Spool(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    Rows(question, request, OfPages, "waiting,dead,delivered", answer,
         [answer](Desk& desk, const Asked& asked) {
           const PageOptions options = {.bodies = asked.bodies, .reveal = asked.reveal};
           desk.Find(asked.filter, [options, answer](absl::StatusOr<StoredPage> page) {
             answer(page.ok() ? JsonAnswer(200, PageJson(*page, options))
                              : ErrorAnswer(page.status()));
           });
         });
  };
}

// Empty where nothing is left.
std::string RestOf(const ReplayResult& result) {
  return result.no_room == 0 ? "" : absl::StrCat(result.first_left, "-", result.last_row);
}

std::string ReplayJson(const ReplayResult& result, bool dry_run) {
  return absl::StrCat("{\"replayed\":", result.replayed, ",\"no_route\":", result.no_route,
                      ",\"damaged\":", result.damaged, ",\"disabled\":", result.disabled,
                      ",\"rejected\":", result.rejected, ",\"alerts\":", result.alerts,
                      ",\"no_room\":", result.no_room, ",\"rest\":\"", RestOf(result),
                      "\",\"dry_run\":", dry_run ? "true" : "false", "}");
}

// Without a filter everything of `states` is meant: the caller asked for that in so many words.
AsyncWebHandler Replay(Question question, NamesCheck names, const std::string& states) {
  return [question, names, states](const HttpRequest& request, const Answer& answer) {
    Rows(question, request, names, states, answer, [answer](Desk& desk, const Asked& asked) {
      if (asked.filter.waiting) {
        return answer(TextAnswer(400, "state: what waits is sent anyway, and not replayed"));
      }
      const bool dry_run = asked.dry_run;
      desk.Replay(asked.filter, dry_run, [dry_run, answer](absl::StatusOr<ReplayResult> result) {
        answer(result.ok() ? JsonAnswer(200, ReplayJson(*result, dry_run))
                           : ErrorAnswer(result.status()));
      });
    });
  };
}

AsyncWebHandler Drop(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    Rows(
        question, request, OfDeadLetters, "dead", answer, [answer](Desk& desk, const Asked& asked) {
          const bool dry_run = asked.dry_run;
          desk.Drop(asked.filter, dry_run, [dry_run, answer](absl::StatusOr<uint64_t> dropped) {
            if (!dropped.ok()) return answer(ErrorAnswer(dropped.status()));
            answer(JsonAnswer(200, absl::StrCat("{\"dropped\":", *dropped,
                                                ",\"dry_run\":", dry_run ? "true" : "false", "}")));
          });
        });
  };
}

// Takes `route`, and calls use(desk, route, reason, author).
template <typename Use>
AsyncWebHandler AtRoute(Question question, Use use) {
  return [question, use](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = parameters.CheckNames({"route", "reason", "author"});
      const std::string* route = parameters.Find("route");
      if (status.ok() && route == nullptr) {
        status = absl::InvalidArgumentError("route: which one? It is missing");
      }
      if (!status.ok()) return answer(ErrorAnswer(status));
      const auto text = [&](const char* name) {
        const std::string* found = parameters.Find(name);
        return found == nullptr ? std::string() : *found;
      };
      question.AtDesk(
          [use, answer, name = *route, reason = text("reason"),
           author = text("author")](Desk& desk) { use(desk, name, reason, author, answer); });
    });
  };
}

AsyncWebHandler Control(Question question, Desk::Verb verb) {
  return AtRoute(question, [verb](Desk& desk, const std::string& route, const std::string& reason,
                                  const std::string& author, const Answer& answer) {
    absl::Status status = desk.Control(route, verb, reason, author);
    if (!status.ok()) return answer(ErrorAnswer(status));
    answer(JsonAnswer(200, EndpointsJson(desk.Endpoints())));
  });
}

AsyncWebHandler Test(Question question) {
  return AtRoute(question, [](Desk& desk, const std::string& route, const std::string&,
                              const std::string&, const Answer& answer) {
    desk.Test(route, [answer](absl::StatusOr<EndpointTestResult> result) {
      answer(result.ok() ? JsonAnswer(200, TestJson(*result)) : ErrorAnswer(result.status()));
    });
  });
}

// A question without parameters.
AsyncWebHandler List(Question question, const std::function<std::string(Desk&)>& json) {
  return [question, json](const HttpRequest&, const Answer& answer) {
    question.AtDesk([json, answer](Desk& desk) { answer(JsonAnswer(200, json(desk))); });
  };
}

WebRoute Route(const char* method, const char* path, AsyncWebHandler handler) {
  WebRoute route;
  route.method = method;
  route.path = path;
  route.async_handler = std::move(handler);
  return route;
}

}  // namespace

AsyncWebHandler TraceHandler(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = parameters.CheckNames({"of"});
      const std::string* of = parameters.Find("of");
      if (status.ok() && (of == nullptr || of->empty())) {
        status = absl::InvalidArgumentError("of: an event's id, a stream or a session is missing");
      }
      if (!status.ok()) return answer(ErrorAnswer(status));
      question.AtDesk([of = *of, answer, &clock = question.clock()](Desk& desk) {
        desk.FindTrace(of, [answer, &clock](const Trace& trace) {
          const std::string sentence =
              ClosingSentence(trace, clock.WallNow(), absl::LocalTimeZone());
          answer(JsonAnswer(200, TraceJson(trace, sentence)));
        });
      });
    });
  };
}

std::vector<WebRoute> DeskRoutes(Router& router, const Clock& clock) {
  const Question question(router, clock);
  using Verb = Desk::Verb;
  return {
      Route("GET", "/api/v1/endpoints",
            List(question, [](Desk& desk) { return EndpointsJson(desk.Endpoints()); })),
      Route("GET", "/api/v1/alerts",
            List(question, [](Desk& desk) { return AlertsJson(desk.Alerts()); })),
      Route("GET", "/api/v1/spool", Spool(question)),
      Route("GET", "/api/v1/trace", TraceHandler(question)),
      Route("GET", "/api/v1/sessions", SessionsHandler(question)),
      Route("POST", "/api/v1/spool/retry", Replay(question, OfDeadLetters, "dead")),
      Route("POST", "/api/v1/spool/drop", Drop(question)),
      Route("POST", "/api/v1/replay", Replay(question, OfReplay, "dead,delivered")),
      Route("POST", "/api/v1/endpoints/pause", Control(question, Verb::kPause)),
      Route("POST", "/api/v1/endpoints/resume", Control(question, Verb::kResume)),
      Route("POST", "/api/v1/endpoints/disable", Control(question, Verb::kDisable)),
      Route("POST", "/api/v1/endpoints/enable", Control(question, Verb::kEnable)),
      Route("POST", "/api/v1/endpoints/test", Test(question)),
  };
}

}  // namespace tallybus::desk
