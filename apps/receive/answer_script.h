// What the development backend answers, request by request: "200,500,hang,reset".
#ifndef TALLYBUS_APPS_RECEIVE_ANSWER_SCRIPT_H_
#define TALLYBUS_APPS_RECEIVE_ANSWER_SCRIPT_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::receive {

struct ScriptedAnswer {
  enum class Kind { kStatus, kHang, kReset };
  Kind kind = Kind::kStatus;
  int status = 200;  // of kStatus

  std::string ToString() const;  // "200", "hang", "reset"
};

// One thread.
class AnswerScript {
 public:
  // Comma-separated: a status from 200 to 599, hang, or reset. INVALID_ARGUMENT names the word that
  // is none of them.
  static absl::StatusOr<AnswerScript> Parse(std::string_view text);

  // Always 200.
  AnswerScript() : answers_(1) {}

  // In order; the last one again and again.
  const ScriptedAnswer& Next();

 private:
  std::vector<ScriptedAnswer> answers_;  // never empty
  size_t next_ = 0;
};

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_ANSWER_SCRIPT_H_
