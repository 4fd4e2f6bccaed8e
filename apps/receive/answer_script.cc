// Reading and stepping the script of answers.
#include "apps/receive/answer_script.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

namespace tallybus::receive {
namespace {

absl::StatusOr<ScriptedAnswer> ParseAnswer(absl::string_view word) {
  if (word == "hang") return ScriptedAnswer{ScriptedAnswer::Kind::kHang, 0};
  if (word == "reset") return ScriptedAnswer{ScriptedAnswer::Kind::kReset, 0};
  int status = 0;
  if (!absl::SimpleAtoi(word, &status) || status < 200 || status > 599) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", word, "' is no answer: a status from 200 to 599, hang, or reset"));
  }
  return ScriptedAnswer{ScriptedAnswer::Kind::kStatus, status};
}

}  // namespace

std::string ScriptedAnswer::ToString() const {
  switch (kind) {
    case Kind::kStatus:
      return std::to_string(status);
    case Kind::kHang:
      return "hang";
    case Kind::kReset:
      return "reset";
  }
  return "";
}

absl::StatusOr<AnswerScript> AnswerScript::Parse(std::string_view text) {
  AnswerScript script;
  script.answers_.clear();
  for (absl::string_view word : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    absl::StatusOr<ScriptedAnswer> answer = ParseAnswer(absl::StripAsciiWhitespace(word));
    if (!answer.ok()) return answer.status();
    script.answers_.push_back(*answer);
  }
  return script;
}

const ScriptedAnswer& AnswerScript::Next() {
  const ScriptedAnswer& answer = answers_[next_];
  if (next_ + 1 < answers_.size()) ++next_;
  return answer;
}

}  // namespace tallybus::receive
