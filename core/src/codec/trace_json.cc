// A trace as --json and the command line's time line read it.
#include <simdjson.h>

#include <algorithm>

#include "codec/json_writer.h"
#include "tallybus/trace.h"
#include "trace_words.h"

namespace tallybus {
namespace {

// Names and reasons are others' bytes: what is not UTF-8 keeps its ASCII alone.
std::string AsUtf8(std::string_view bytes) {
  std::string text(bytes);
  if (simdjson::validate_utf8(text)) return text;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }, '?');
  return text;
}

class ObjectText {
 public:
  void Text(const JsonKey& key, std::string_view value) {
    if (!value.empty()) writer_.String(key, AsUtf8(value));
  }
  void Time(const JsonKey& key, absl::Time time) {
    if (time != absl::InfinitePast()) writer_.String(key, Rfc3339Millis(time));
  }
  JsonObjectWriter& operator*() { return writer_; }
  std::string Close() {
    writer_.Close();
    return std::move(text_);
  }

 private:
  std::string text_;
  JsonObjectWriter writer_{&text_};
};

template <typename Items, typename ToJson>
std::string Array(const Items& items, const ToJson& to_json) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out.push_back(',');
    out.append(to_json(item));
  }
  return out + "]";
}

std::string_view StateOf(const TracedRoute& way) {
  if (way.not_sent) return "never sent";
  if (way.fate) return FateWord(*way.fate);
  const bool in_flight = way.last.number != 0 && way.last.failed == absl::InfinitePast();
  return in_flight ? "in flight" : "waiting";
}

std::string RouteJson(const TracedRoute& way) {
  ObjectText out;
  out.Text("route", way.route);
  out.Text("state", StateOf(way));
  if (way.row != 0) {
    (*out).Int("row", static_cast<int64_t>(way.row));
    (*out).Int("laneSequence", static_cast<int64_t>(way.lane_sequence));
    (*out).Int("attempts", way.last.number);
  }
  out.Time("nextAttempt", way.next_attempt);
  out.Time("settled", way.settled);
  return out.Close();
}

std::string EventJson(const TracedEvent& event) {
  ObjectText out;
  out.Text("id", event.id.ToString());
  out.Text("method", event.method);
  out.Text("status", event.status);
  out.Text("name", event.name);
  out.Text("appKey", event.app_key);
  out.Text("sessionId", event.session_id);
  out.Text("mediaSessionId", event.media_session_id);
  out.Time("time", event.time);
  out.Time("accepted", event.accepted);
  (*out).Bool("fromRouter", event.from_router);
  (*out).Raw("routes", Array(event.routes, RouteJson));
  return out.Close();
}

std::string StepJson(const TraceStep& step) {
  ObjectText out;
  out.Time("at", step.at);
  (*out).Int("atUs", absl::ToUnixMicros(step.at));
  if (step.event) (*out).Int("event", static_cast<int64_t>(*step.event));
  out.Text("route", step.route);
  out.Text("what", step.what);
  return out.Close();
}

}  // namespace

std::string TraceJson(const Trace& trace, std::string_view sentence) {
  ObjectText out;
  out.Text("sentence", sentence);
  (*out).Int("leftOut", static_cast<int64_t>(trace.left_out));
  (*out).Raw("events", Array(trace.events, EventJson));
  (*out).Raw("steps", Array(StepsOf(trace), StepJson));
  return out.Close();
}

}  // namespace tallybus
