// JSON, a sentence, an error: each with its content type.
#include "transports/web/answers.h"

#include <utility>

namespace tallybus {
namespace {

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

HttpAnswer JsonAnswer(int status, std::string json) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  answer.body = std::move(json);
  return answer;
}

HttpAnswer TextAnswer(int status, std::string sentence) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  answer.body = std::move(sentence) + "\n";
  return answer;
}

HttpAnswer Unauthorized(std::string sentence) {
  HttpAnswer answer = TextAnswer(401, std::move(sentence));
  answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

HttpAnswer ErrorAnswer(const absl::Status& error) {
  return TextAnswer(HttpStatusOf(error.code()), std::string(error.message()));
}

}  // namespace tallybus
