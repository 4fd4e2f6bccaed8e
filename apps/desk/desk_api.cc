// Each question is read on the server's thread and answered on the router's.
#include "apps/desk/desk_api.h"

#include <absl/strings/str_cat.h>

#include <functional>
#include <string>
#include <utility>

#include "apps/desk/desk_filter.h"
#include "apps/desk/desk_json.h"
#include "transports/web/answers.h"
#include "transports/web/query_parameters.h"

namespace tallybus::desk {
namespace {

using Answer = std::function<void(HttpAnswer)>;

bool IsTrue(const QueryParameters& parameters, std::string_view name) {
  const std::string* value = parameters.Find(name);
  return value != nullptr && (*value == "1" || *value == "true" || value->empty());
}

absl::Status CheckFilterNames(const QueryParameters& parameters) {
  return parameters.CheckNames({"state", "since", "until", "app", "stream", "session", "route",
                                "id", "after", "limit", "bodies", "reveal", "dry_run"});
}

// One question: what it needs to be answered, and where it is answered.
class Question {
 public:
  Question(Router& router, const Clock& clock) : router_(router), clock_(clock) {}

  // The parameters, or an answer that says what is wrong with them.
  template <typename Use>
  void Parameters(const HttpRequest& request, const Answer& answer, Use use) const {
    absl::StatusOr<QueryParameters> parameters = QueryParameters::Parse(request.query);
    if (!parameters.ok()) return answer(ErrorAnswer(parameters.status()));
    use(*parameters);
  }

  template <typename Use>
  void Filter(const HttpRequest& request, const std::string& states, const Answer& answer,
              Use use) const {
    Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = CheckFilterNames(parameters);
      if (!status.ok()) return answer(ErrorAnswer(status));
      absl::StatusOr<StoredFilter> filter = FilterOf(parameters, states, clock_.WallNow());
      if (!filter.ok()) return answer(ErrorAnswer(filter.status()));
      use(*filter, parameters);
    });
  }

  // Has `task` called with the desk, on the router's thread.
  void AtDesk(std::function<void(Desk&)> task) const {
    router_.Post([&router = router_, task = std::move(task)] { task(router.desk()); });
  }

 private:
  Router& router_;
  const Clock& clock_;
};

AsyncWebHandler Spool(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    question.Filter(request, "waiting,dead,delivered", answer,
                    [&](const StoredFilter& filter, const QueryParameters& parameters) {
                      const PageOptions options = {.bodies = IsTrue(parameters, "bodies"),
                                                   .reveal = IsTrue(parameters, "reveal")};
                      question.AtDesk([filter, options, answer](Desk& desk) {
                        desk.Find(filter, [options, answer](absl::StatusOr<StoredPage> page) {
                          answer(page.ok() ? JsonAnswer(200, PageJson(*page, options))
                                           : ErrorAnswer(page.status()));
                        });
                      });
                    });
  };
}

// Without a filter everything of `states` is meant: the caller asked for that in so many words.
AsyncWebHandler Replay(Question question, const std::string& states) {
  return [question, states](const HttpRequest& request, const Answer& answer) {
    question.Filter(
        request, states, answer,
        [&](const StoredFilter& filter, const QueryParameters& parameters) {
          const bool dry_run = IsTrue(parameters, "dry_run");
          question.AtDesk([filter, dry_run, answer](Desk& desk) {
            desk.Replay(filter, dry_run, [dry_run, answer](absl::StatusOr<ReplayResult> result) {
              if (!result.ok()) return answer(ErrorAnswer(result.status()));
              answer(JsonAnswer(
                  200, absl::StrCat(
                           "{\"replayed\":", result->replayed, ",\"no_route\":", result->no_route,
                           ",\"damaged\":", result->damaged, ",\"disabled\":", result->disabled,
                           ",\"rejected\":", result->rejected,
                           ",\"dry_run\":", dry_run ? "true" : "false", "}")));
            });
          });
        });
  };
}

AsyncWebHandler Drop(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    question.Filter(
        request, "dead", answer,
        [&](const StoredFilter& filter, const QueryParameters& parameters) {
          const bool dry_run = IsTrue(parameters, "dry_run");
          question.AtDesk([filter, dry_run, answer](Desk& desk) {
            desk.Drop(filter, dry_run, [dry_run, answer](absl::StatusOr<uint64_t> dropped) {
              if (!dropped.ok()) return answer(ErrorAnswer(dropped.status()));
              answer(JsonAnswer(200, absl::StrCat("{\"dropped\":", *dropped, ",\"dry_run\":",
                                                  dry_run ? "true" : "false", "}")));
            });
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
AsyncWebHandler List(Question question, std::function<std::string(Desk&)> json) {
  return [question, json](const HttpRequest&, const Answer& answer) {
    question.AtDesk([json, answer](Desk& desk) { answer(JsonAnswer(200, json(desk))); });
  };
}

AsyncWebHandler FindTrace(Question question, const Clock& clock) {
  return [question, &clock](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = parameters.CheckNames({"of"});
      const std::string* of = parameters.Find("of");
      if (status.ok() && (of == nullptr || of->empty())) {
        status = absl::InvalidArgumentError("of: an event's id, a stream or a session is missing");
      }
      if (!status.ok()) return answer(ErrorAnswer(status));
      question.AtDesk([of = *of, answer, &clock](Desk& desk) {
        desk.FindTrace(of, [answer, &clock](const Trace& trace) {
          const std::string sentence =
              ClosingSentence(trace, clock.WallNow(), absl::LocalTimeZone());
          answer(JsonAnswer(200, TraceJson(trace, sentence)));
        });
      });
    });
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

std::vector<WebRoute> DeskRoutes(Router& router, const Clock& clock) {
  const Question question(router, clock);
  using Verb = Desk::Verb;
  return {
      Route("GET", "/api/v1/endpoints",
            List(question, [](Desk& desk) { return EndpointsJson(desk.Endpoints()); })),
      Route("GET", "/api/v1/alerts",
            List(question, [](Desk& desk) { return AlertsJson(desk.Alerts()); })),
      Route("GET", "/api/v1/spool", Spool(question)),
      Route("GET", "/api/v1/trace", FindTrace(question, clock)),
      Route("POST", "/api/v1/spool/retry", Replay(question, "dead")),
      Route("POST", "/api/v1/spool/drop", Drop(question)),
      Route("POST", "/api/v1/replay", Replay(question, "dead,delivered")),
      Route("POST", "/api/v1/endpoints/pause", Control(question, Verb::kPause)),
      Route("POST", "/api/v1/endpoints/resume", Control(question, Verb::kResume)),
      Route("POST", "/api/v1/endpoints/disable", Control(question, Verb::kDisable)),
      Route("POST", "/api/v1/endpoints/enable", Control(question, Verb::kEnable)),
      Route("POST", "/api/v1/endpoints/test", Test(question)),
  };
}

}  // namespace tallybus::desk
