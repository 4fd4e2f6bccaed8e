// JSON to lines. The words come from the daemon; only the columns are made here.
#include "apps/tallybus/time_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <simdjson.h>

#include <optional>

#include "apps/receive/visible.h"

namespace tallybus::cli {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;

std::string Member(const object& from, const char* key) {
  std::string_view value;
  if (from[key].get(value) != simdjson::SUCCESS) return "";
  return receive::Visible(value);
}

void AppendLabelled(std::string& out, absl::string_view label, const std::string& value) {
  if (!value.empty()) absl::StrAppend(&out, "  ", label, value);
}

std::string Mark(int64_t index) { return absl::StrCat("#", index + 1); }

std::string EventLine(const object& event, int64_t index) {
  std::string out = absl::StrCat(Mark(index), "  ", Member(event, "id"));
  AppendLabelled(out, "", Member(event, "method"));
  AppendLabelled(out, "", Member(event, "status"));
  AppendLabelled(out, "", Member(event, "name"));
  AppendLabelled(out, "session ", Member(event, "sessionId"));
  AppendLabelled(out, "media session ", Member(event, "mediaSessionId"));
  AppendLabelled(out, "app ", Member(event, "appKey"));
  return out + "\n";
}

// Says the day whenever that changes, and how long after the first step each one came.
class StepLines {
 public:
  StepLines(absl::TimeZone zone, bool with_marks) : zone_(zone), with_marks_(with_marks) {}

  void Add(const object& step, absl::Time at) {
    const std::string day = absl::FormatTime("%Y-%m-%d (UTC%Ez)", at, zone_);
    if (day != day_) absl::StrAppend(&out_, "\n", day, "\n");
    day_ = day;
    if (!began_) began_ = at;
    const std::string delta = absl::StrFormat("+%.3f", absl::ToDoubleSeconds(at - *began_));
    absl::StrAppendFormat(&out_, "%s  %10s", absl::FormatTime("%H:%M:%E3S", at, zone_), delta);
    int64_t index = 0;
    const bool of_event = step["event"].get(index) == simdjson::SUCCESS;
    if (with_marks_) absl::StrAppendFormat(&out_, "  %-4s", of_event ? Mark(index) : "");
    absl::StrAppend(&out_, "  ", Member(step, "what"));
    AppendLabelled(out_, "-> ", Member(step, "route"));
    out_ += "\n";
  }
  const std::string& text() const { return out_; }

 private:
  absl::TimeZone zone_;
  bool with_marks_;
  std::optional<absl::Time> began_;
  std::string day_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> TimeLine(std::string_view trace_json, absl::TimeZone zone) {
  const absl::Status wrong = absl::InvalidArgumentError("the daemon's answer is no trace");
  simdjson::dom::parser parser;
  object trace;
  array events;
  array steps;
  if (parser.parse(trace_json.data(), trace_json.size()).get(trace) ||
      trace["events"].get(events) || trace["steps"].get(steps)) {
    return wrong;
  }
  std::string out;
  int64_t index = 0;
  for (const simdjson::dom::element element : events) {
    object event;
    if (element.get(event)) return wrong;
    out += EventLine(event, index++);
  }
  StepLines lines(zone, events.size() > 1);
  for (const simdjson::dom::element element : steps) {
    object step;
    int64_t at = 0;
    if (element.get(step) || step["atUs"].get(at)) return wrong;
    lines.Add(step, absl::FromUnixMicros(at));
  }
  out += lines.text();
  if (!out.empty()) out += "\n";
  return absl::StrCat(out, Member(trace, "sentence"), "\n");
}

}  // namespace tallybus::cli
