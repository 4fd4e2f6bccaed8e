// From headers to fields, and from fields to a line.
#include "apps/receive/arrival.h"

#include <absl/strings/str_cat.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "apps/receive/event_line.h"
#include "apps/receive/inflate.h"
#include "apps/receive/json_text.h"
#include "tallybus/codec.h"

namespace tallybus::receive {
namespace {

constexpr size_t kMostInflated = 2 * kMaxEventBytes;

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string Member(const char* name, const std::string& json) {
  return absl::StrCat("\"", name, "\":", json, ",");
}

const char* Bool(bool value) { return value ? "true" : "false"; }

std::string BodyAsJson(const std::string& body) {
  std::optional<EventFields> fields = ReadEventFields(body);
  return fields.has_value() ? std::move(fields->one_line) : JsonString(body);
}

// What cannot be inflated is shown as it came.
std::string BodyOf(const HttpRequest& request) {
  if (request.Header("content-encoding") != "gzip") return request.body;
  return Inflate(request.body, kMostInflated).value_or(request.body);
}

}  // namespace

Arrival ReadArrival(const HttpRequest& request) {
  Arrival arrival;
  arrival.path = request.path;
  arrival.method = request.path.substr(request.path.rfind('/') + 1);
  arrival.id = request.Header("webhook-id");
  arrival.time = request.Header("tallybus-time");
  arrival.lane = request.Header("tallybus-lane");
  arrival.sequence = Number(request.Header("tallybus-sequence"));
  arrival.attempt = Number(request.Header("tallybus-attempt"));
  arrival.redelivery = request.Header("tallybus-redelivery") == "1";
  arrival.origin = request.Header("tallybus-origin");
  arrival.body = BodyOf(request);
  return arrival;
}

std::string ReadableLine(const Arrival& arrival, const std::string& now) {
  const std::optional<EventFields> fields = ReadEventFields(arrival.body);
  EventLine line;
  line.time = arrival.time.empty() ? now : arrival.time;
  line.method = arrival.method;
  if (fields.has_value()) {
    line.status = fields->status;
    line.name = fields->name;
    line.session_id = fields->session_id;
    line.info = fields->info;
  } else {
    line.marks.push_back("body is no JSON object");
  }
  line.id = arrival.id;
  line.lane = arrival.lane;
  line.sequence = arrival.sequence;
  line.attempt = arrival.attempt;
  line.answer = arrival.answer;
  if (arrival.redelivery) line.marks.push_back("redelivery");
  if (!arrival.origin.empty()) line.marks.push_back("from " + arrival.origin);
  if (arrival.duplicate) line.marks.push_back("duplicate");
  if (arrival.hole_before != 0) {
    line.marks.push_back(absl::StrCat("hole: #", arrival.hole_before, " was due"));
  }
  return FormatEventLine(line);
}

std::string JsonLine(const Arrival& arrival) {
  return absl::StrCat(
      "{", Member("method", JsonString(arrival.method)), Member("path", JsonString(arrival.path)),
      Member("id", JsonString(arrival.id)), Member("lane", JsonString(arrival.lane)),
      Member("sequence", std::to_string(arrival.sequence)),
      Member("attempt", std::to_string(arrival.attempt)),
      Member("redelivery", Bool(arrival.redelivery)), Member("origin", JsonString(arrival.origin)),
      Member("time", JsonString(arrival.time)), Member("duplicate", Bool(arrival.duplicate)),
      Member("hole", Bool(arrival.hole_before != 0)), Member("answer", JsonString(arrival.answer)),
      "\"body\":", BodyAsJson(arrival.body), "}");
}

}  // namespace tallybus::receive
