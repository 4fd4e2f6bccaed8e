// The answers that handlers make most.
#ifndef TALLYBUS_TRANSPORTS_WEB_ANSWERS_H_
#define TALLYBUS_TRANSPORTS_WEB_ANSWERS_H_

#include <absl/status/status.h>

#include <string>

#include "transports/web/http_server.h"

namespace tallybus {

// [any thread] `json` is the whole body, one JSON value. Nobody may keep it.
HttpAnswer JsonAnswer(int status, std::string json);

// [any thread] One sentence for a person, without its line feed.
HttpAnswer TextAnswer(int status, std::string sentence);

// [any thread] 401, which asks for a bearer's token.
HttpAnswer Unauthorized(std::string sentence);

// [any thread] The error's message as a sentence: INVALID_ARGUMENT is 400, NOT_FOUND 404,
// ALREADY_EXISTS, ABORTED and FAILED_PRECONDITION 409, RESOURCE_EXHAUSTED and UNAVAILABLE 503,
// UNIMPLEMENTED 501, all else 500. The status is not OK.
HttpAnswer ErrorAnswer(const absl::Status& error);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_ANSWERS_H_
