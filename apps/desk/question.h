// One question over HTTP: what it needs to be answered, and where it is answered.
#ifndef TALLYBUS_APPS_DESK_QUESTION_H_
#define TALLYBUS_APPS_DESK_QUESTION_H_

#include <absl/status/statusor.h>

#include <functional>
#include <utility>

#include "tallybus/clock.h"
#include "tallybus/router.h"
#include "transports/web/answers.h"
#include "transports/web/query_parameters.h"
#include "transports/web/web_server.h"

namespace tallybus::desk {

using Answer = std::function<void(HttpAnswer)>;

// [any thread] Both outlive it.
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

  // Has `task` called with the desk, on the router's thread.
  void AtDesk(std::function<void(Desk&)> task) const {
    router_.Post([&router = router_, task = std::move(task)] { task(router.desk()); });
  }

  const Clock& clock() const { return clock_; }

 private:
  Router& router_;
  const Clock& clock_;
};

// What became of the event, stream or session that the parameter `of` names.
AsyncWebHandler TraceHandler(Question question);
// The sessions that live, by the filters of the read API.
AsyncWebHandler SessionsHandler(Question question);

}  // namespace tallybus::desk

#endif  // TALLYBUS_APPS_DESK_QUESTION_H_
