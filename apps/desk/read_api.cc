// Each list is a page of at most 500, found by its key.
#include "apps/desk/read_api.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <string>
#include <utility>

#include "apps/desk/desk_filter.h"
#include "apps/desk/desk_json.h"
#include "apps/desk/openapi_document.h"
#include "apps/desk/question.h"

namespace tallybus::desk {
namespace {

constexpr int64_t kMostRows = 500;

// A misspelt filter must not pass for none, nor one that was left empty.
absl::Status Check(const QueryParameters& parameters,
                   std::initializer_list<std::string_view> names) {
  if (absl::Status status = parameters.CheckNames(names); !status.ok()) {
    const std::vector<std::string> known(names.begin(), names.end());
    return absl::InvalidArgumentError(
        absl::StrCat(status.message(), "; it may be ", absl::StrJoin(known, ", ")));
  }
  for (std::string_view name : names) {
    const std::string* text = parameters.Find(name);
    if (text != nullptr && text->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(name), ": is empty; name one, or leave it out"));
    }
  }
  return absl::OkStatus();
}

std::string TextOf(const QueryParameters& parameters, std::string_view name) {
  const std::string* text = parameters.Find(name);
  return text == nullptr ? "" : *text;
}

HttpAnswer Wrong(const HttpRequest& request, const absl::Status& status) {
  return TextAnswer(400, absl::StrCat("GET ", request.path, ": ", status.message()));
}

AsyncWebHandler Live(Question question, LivePageFilter::Kind kind) {
  return [question, kind](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      const bool streams = kind == LivePageFilter::Kind::kStreams;
      absl::Status status =
          streams
              ? Check(parameters, {"app", "node", "status", "session", "name", "after", "limit"})
              : Check(parameters, {"app", "node", "status", "session", "after", "limit"});
      const absl::StatusOr<int64_t> limit = parameters.Integer("limit", kMostRows, 1, kMostRows);
      status.Update(limit.status());
      if (!status.ok()) return answer(Wrong(request, status));
      LivePageFilter filter{.kind = kind,
                            .app = TextOf(parameters, "app"),
                            .node = TextOf(parameters, "node"),
                            .status = TextOf(parameters, "status"),
                            .session = TextOf(parameters, "session"),
                            .name = TextOf(parameters, "name"),
                            .after = TextOf(parameters, "after"),
                            .limit = static_cast<size_t>(*limit)};
      question.AtDesk([filter = std::move(filter), streams, answer](Desk& desk) {
        const LivePage page = desk.FindLive(filter);
        answer(JsonAnswer(200, streams ? StreamsJson(page) : SessionsJson(page)));
      });
    });
  };
}

AsyncWebHandler Endpoints(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = Check(parameters, {"after", "limit"});
      const absl::StatusOr<int64_t> limit = parameters.Integer("limit", kMostRows, 1, kMostRows);
      status.Update(limit.status());
      if (!status.ok()) return answer(Wrong(request, status));
      question.AtDesk([after = TextOf(parameters, "after"), most = static_cast<size_t>(*limit),
                       answer](Desk& desk) {
        answer(JsonAnswer(200, EndpointsPageJson(desk.Endpoints(), after, most)));
      });
    });
  };
}

void AnswerDeadLetters(Desk& desk, const StoredFilter& filter, const Answer& answer) {
  desk.Find(filter, [answer](absl::StatusOr<StoredPage> page) {
    answer(page.ok() ? JsonAnswer(200, DeadLettersJson(*page)) : ErrorAnswer(page.status()));
  });
}

AsyncWebHandler DeadLetters(Question question) {
  return [question](const HttpRequest& request, const Answer& answer) {
    question.Parameters(request, answer, [&](const QueryParameters& parameters) {
      absl::Status status = Check(parameters, {"since", "until", "app", "stream", "session",
                                               "route", "id", "after", "limit"});
      absl::StatusOr<StoredFilter> filter =
          FilterOf(parameters, "dead", question.clock().WallNow());
      status.Update(filter.status());
      if (!status.ok()) return answer(Wrong(request, status));
      question.AtDesk([filter = *std::move(filter), answer](Desk& desk) {
        if (filter.after != 0) return AnswerDeadLetters(desk, filter, answer);
        CheckNamed(desk, filter, [&desk, filter, answer](const absl::Status& known) {
          if (!known.ok()) return answer(ErrorAnswer(known));
          AnswerDeadLetters(desk, filter, answer);
        });
      });
    });
  };
}

WebRoute Get(const char* path, AsyncWebHandler handler) {
  return {.method = "GET", .path = path, .handler = nullptr, .async_handler = std::move(handler)};
}

}  // namespace

AsyncWebHandler SessionsHandler(Question question) {
  return Live(question, LivePageFilter::Kind::kSessions);
}

std::vector<WebRoute> ReadRoutes(Router& router, const Clock& clock) {
  const Question question(router, clock);
  return {
      Get("/api/v1/streams", Live(question, LivePageFilter::Kind::kStreams)),
      Get("/api/v1/sessions", SessionsHandler(question)),
      Get("/api/v1/endpoints", Endpoints(question)),
      Get("/api/v1/trace", TraceHandler(question)),
      Get("/api/v1/dead-letters", DeadLetters(question)),
      Get("/api/v1/openapi.json",
          [](const HttpRequest&, const Answer& answer) {
            answer(JsonAnswer(200, std::string(kOpenApiDocument)));
          }),
  };
}

}  // namespace tallybus::desk
