// Written by hand as text: every value is a number, a word of ours, or quoted.
#include "apps/desk/desk_json.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "tallybus/codec.h"
#include "transports/parts/attributes.h"

namespace tallybus::desk {
namespace {

// An object or a list that grows.
class Json {
 public:
  explicit Json(char open) : text_(1, open), close_(open == '{' ? '}' : ']') {}
  Json& Text(std::string_view key, std::string_view value) { return Raw(key, JsonString(value)); }
  Json& Number(std::string_view key, int64_t value) { return Raw(key, std::to_string(value)); }
  Json& Time(std::string_view key, absl::Time time) {
    if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return *this;
    return Text(key, Rfc3339Millis(time));
  }
  Json& Raw(std::string_view key, std::string_view json) {
    return Item(absl::StrCat(JsonString(key), ":", std::string(json)));
  }
  Json& Item(std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_.append(json);
    return *this;
  }
  // Where a page is not the last, what to ask for the next one with.
  Json& Next(std::string_view after) { return after.empty() ? *this : Text("next", after); }
  std::string Done() { return std::move(text_) + close_; }

 private:
  std::string text_;
  char close_;
};

std::string EndpointJson(const EndpointStatus& endpoint) {
  Json held('[');
  for (const HeldMethodStatus& method : endpoint.held_methods) {
    held.Item(Json('{')
                  .Text("method", method.method)
                  .Number("httpStatus", method.code)
                  .Text("reason", method.reason)
                  .Time("since", method.since)
                  .Time("nextTry", method.next_try)
                  .Done());
  }
  return Json('{')
      .Text("route", endpoint.route)
      .Text("url", endpoint.url)
      .Text("state", endpoint.state)
      .Text("reason", endpoint.reason)
      .Text("author", endpoint.author)
      .Time("since", endpoint.since)
      .Time("nextTry", endpoint.next_try)
      .Text("breaker", endpoint.breaker)
      .Time("oldest", endpoint.oldest)
      .Text("lastError", endpoint.last_error)
      .Time("lastErrorAt", endpoint.last_error_at)
      .Number("limit", endpoint.limit)
      .Number("inFlight", endpoint.in_flight)
      .Number("waiting", static_cast<int64_t>(endpoint.waiting))
      .Number("bytes", static_cast<int64_t>(endpoint.bytes))
      .Number("quotaBytes", static_cast<int64_t>(endpoint.quota_bytes))
      .Raw("heldMethods", held.Done())
      .Done();
}

const char* StateOf(StoredRow::State state) {
  switch (state) {
    case StoredRow::State::kWaiting:
      return "waiting";
    case StoredRow::State::kDead:
      return "dead";
    case StoredRow::State::kDelivered:
      return "delivered";
  }
  return "";
}

std::string RowJson(const StoredRow& stored, PageOptions options) {
  const Event& event = *stored.row->event;
  Json row('{');
  row.Number("row", static_cast<int64_t>(stored.row->seq))
      .Text("state", StateOf(stored.state))
      .Text("id", event.id.ToString())
      .Text("route", stored.route)
      .Text("lane", stored.lane)
      .Number("sequence", static_cast<int64_t>(stored.row->lane_sequence))
      .Text("method", event.method.empty() ? "(damaged)" : event.method)
      .Text("status", event.status)
      .Text("app", event.app_key)
      .Text("session", event.session_id)
      .Text("stream", event.name)
      .Text("mediaSession", event.media_session_id)
      .Time("time", event.time)
      .Time("accepted", stored.row->accepted)
      .Number("attempts", stored.attempts)
      .Number("httpStatus", stored.http_status)
      .Text("reason", stored.reason)
      .Time(stored.state == StoredRow::State::kWaiting ? "due" : "settled", stored.at)
      .Number("replays", stored.row->replays);
  if (options.bodies && !event.method.empty()) {
    row.Raw("event", options.reveal ? event.json : Redacted(event.json));
  }
  return row.Done();
}

bool IsCredential(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(std::string(name));
  for (const char* word : {"password", "passwd", "token", "secret", "authorization", "credential",
                           "apikey", "api_key", "privatekey"}) {
    if (absl::StrContains(lower, word)) return true;
  }
  // What a bus rejected was not read: anything may be in it.
  return lower == "sdp" || lower == "pwd" || lower == "recordbase64";
}

std::string RedactedElement(simdjson::dom::element element) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (element.get(object) == simdjson::SUCCESS) {
    Json out('{');
    for (const auto& [key, value] : object) {
      out.Raw(key, IsCredential(key) ? "\"***\"" : RedactedElement(value));
    }
    return out.Done();
  }
  if (element.get(array) == simdjson::SUCCESS) {
    Json out('[');
    for (const simdjson::dom::element item : array) out.Item(RedactedElement(item));
    return out.Done();
  }
  return simdjson::minify(element);
}

// The parser's memory is used again.
std::string RedactedBy(simdjson::dom::parser& parser, std::string_view json) {
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS) return "{}";
  return RedactedElement(element);
}

// As an answer to `connect` has it.
std::string ConfigJson(const RestClientConfig& config) {
  Json methods('{');
  for (const auto& [method, policy] : config.by_method()) {
    Json fields('{');
    const auto list = [&fields](std::string_view name, const FieldSetPtr& names) {
      if (names != nullptr) fields.Text(name, absl::StrJoin(*names, ","));
    };
    list("clientExclude", policy.client_exclude);
    list("restExclude", policy.rest_exclude);
    fields.Text("restOnError", policy.on_error == OnError::kFail ? "FAIL" : "LOG");
    fields.Text("restPolicy", RestPolicyWord(policy.rest_policy));
    list("restOverwrite", policy.rest_overwrite);
    methods.Raw(method, fields.Done());
  }
  return methods.Done();
}

}  // namespace

// "https://name:password@host/path?key=…" -> "https://host/path".
std::string WithoutSecrets(std::string url) {
  url.resize(std::min(url.size(), url.find_first_of("?#")));
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t host = scheme + 3;
  const size_t at = url.substr(0, url.find('/', host)).rfind('@');
  if (at != std::string::npos && at >= host) url.erase(host, at + 1 - host);
  return url;
}

std::string EndpointsJson(const std::vector<EndpointStatus>& endpoints) {
  Json list('[');
  for (const EndpointStatus& endpoint : endpoints) list.Item(EndpointJson(endpoint));
  return Json('{').Raw("endpoints", list.Done()).Done();
}

std::string AlertsJson(const std::vector<AlertStatus>& alerts) {
  Json list('[');
  for (const AlertStatus& alert : alerts) {
    list.Item(Json('{')
                  .Text("alert", alert.name)
                  .Text("subject", alert.subject)
                  .Text("severity", alert.critical ? "critical" : "warning")
                  .Time("since", alert.since)
                  .Text("text", alert.text)
                  .Done());
  }
  return Json('{').Raw("alerts", list.Done()).Done();
}

std::string TestJson(const EndpointTestResult& test) {
  const bool taken = test.result.verdict == Verdict::kDelivered;
  return Json('{')
      .Raw("delivered", taken ? "true" : "false")
      .Number("httpStatus", test.result.remote_code)
      .Text("reason", test.result.reason)
      .Text("detail", std::string(test.result.status.message()))
      .Raw("milliseconds", absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(test.took)))
      .Raw("connectionReused", test.result.connection_reused ? "true" : "false")
      .Done();
}

std::string PageJson(const StoredPage& page, PageOptions options) {
  Json rows('[');
  for (const StoredRow& stored : page.rows) rows.Item(RowJson(stored, options));
  return Json('{').Raw("rows", rows.Done()).Number("next", static_cast<int64_t>(page.next)).Done();
}

std::string StreamsJson(const LivePage& page) {
  Json streams('[');
  simdjson::dom::parser parser;
  for (const LiveRow& row : page.rows) {
    Json stream('{');
    stream.Raw("stream", RedactedBy(parser, row.json)).Text("lane", parts::EncodeLane(row.lane));
    stream.Number("sequence", static_cast<int64_t>(row.lane_sequence));
    streams.Item(stream.Raw("told", row.told ? "true" : "false").Done());
  }
  return Json('{')
      .Number("as_of", static_cast<int64_t>(page.as_of))
      .Raw("streams", streams.Done())
      .Next(page.next)
      .Done();
}

std::string SessionsJson(const LivePage& page) {
  Json sessions('[');
  for (const LiveRow& row : page.rows) {
    Json session('{');
    session.Text("nodeId", row.node_id).Text("appKey", row.app_key);
    session.Text("sessionId", row.session_id);
    if (!row.status.empty()) session.Text("status", row.status);
    if (row.config != nullptr) session.Raw("restClientConfig", ConfigJson(*row.config));
    sessions.Item(session.Done());
  }
  return Json('{')
      .Number("as_of", static_cast<int64_t>(page.as_of))
      .Raw("sessions", sessions.Done())
      .Next(page.next)
      .Done();
}

std::string DeadLettersJson(const StoredPage& page) {
  Json rows('[');
  for (const StoredRow& stored : page.rows) rows.Item(RowJson(stored, {}));
  return Json('{')
      .Raw("deadLetters", rows.Done())
      .Next(page.next == 0 ? "" : std::to_string(page.next))
      .Done();
}

std::string EndpointsPageJson(const std::vector<EndpointStatus>& endpoints,
                              const std::string& after, size_t limit) {
  Json list('[');
  std::string last, next;
  for (const EndpointStatus& endpoint : endpoints) {  // in the order of their routes
    if (endpoint.route <= after) continue;
    if (limit-- == 0) {
      next = last;
      break;
    }
    EndpointStatus told = endpoint;
    told.url = WithoutSecrets(told.url);
    list.Item(EndpointJson(told));
    last = endpoint.route;
  }
  return Json('{').Raw("endpoints", list.Done()).Next(next).Done();
}

std::string Redacted(std::string_view json) {
  simdjson::dom::parser parser;
  return RedactedBy(parser, json);
}

}  // namespace tallybus::desk
