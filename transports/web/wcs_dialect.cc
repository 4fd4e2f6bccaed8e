// Names as the official SDK knows them; what it does with each decides where they leave a choice.
#include "transports/web/wcs_dialect.h"

#include <absl/strings/str_cat.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tallybus/codec.h"

namespace tallybus::wcs {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMostDepth = 64;  // as of every object that a backend is sent
constexpr size_t kLongestAppKey = 512;
constexpr std::string_view kData = "\"data\":[";

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// Empty where there is none, or it is no text.
std::string_view TextOf(const object& of, std::string_view key) {
  std::string_view text;
  return of[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::string FrameWith(std::string_view message, std::string_view json) {
  return absl::StrCat("{\"message\":\"", View(message), "\",\"data\":[", View(json), "]}");
}

// {"<key>":"<value>","status":"<status>","info":"<info>"}
std::string Outcome(std::string_view key, std::string_view value, std::string_view status,
                    std::string_view info) {
  return absl::StrCat("{\"", View(key), "\":", JsonString(value), ",\"status\":\"", View(status),
                      "\",\"info\":", JsonString(info), "}");
}

void AppendMember(std::string_view key, std::string_view json, std::string* out) {
  absl::StrAppend(out, out->empty() ? "" : ",", JsonString(key), ":", View(json));
}

absl::StatusOr<ClientFrame> ReadConnection(const object& data) {
  Connection connection;
  connection.app_key = TextOf(data, "appKey");
  if (connection.app_key.empty()) connection.app_key = "defaultApp";
  if (connection.app_key.size() > kLongestAppKey) return Wrong("appKey is over 512 bytes");
  connection.auth_token = TextOf(data, "authToken");
  // These are said by the gateway itself; the last by the backend, of which many send back what
  // they got: a client must not make its session's config so.
  constexpr std::array<std::string_view, 5> kOurs = {"nodeId", "appKey", "sessionId", "authToken",
                                                     "restClientConfig"};
  for (const auto member : data) {
    if (std::find(kOurs.begin(), kOurs.end(), member.key) != kOurs.end()) continue;
    AppendMember(member.key, simdjson::minify(member.value), &connection.further);
  }
  return connection;
}

// A call of the SDK that a promise or an object of it waits for: how it is told that it failed.
struct Waiting {
  std::string_view message;
  std::string_view key;  // of the member that says who waits
  std::string_view answer;
  std::string_view answer_key;
  std::string_view status = "FAILED";
};
constexpr Waiting kMedia[] = {
    {"publishStream", "mediaSessionId", "notifyStreamStatusEvent", "mediaSessionId"},
    {"playStream", "mediaSessionId", "notifyStreamStatusEvent", "mediaSessionId"},
};
constexpr Waiting kOthers[] = {
    {"call", "callId", "finish", "callId"},
    {"answer", "callId", "finish", "callId"},
    {"sendData", "operationId", "DataStatusEvent", "operationId"},
    {"availableStream", "mediaSessionId", "availableStream", "id", "false"},
};

template <size_t kSize>
std::optional<std::string> AnswerOf(const Waiting (&table)[kSize], std::string_view message,
                                    const object* data, std::string_view info) {
  for (const Waiting& waiting : table) {
    if (waiting.message != message || data == nullptr) continue;
    const std::string_view who = TextOf(*data, waiting.key);
    if (who.empty()) continue;
    return FrameWith(waiting.answer, Outcome(waiting.answer_key, who, waiting.status, info));
  }
  return std::nullopt;
}

// `data` is null where the frame brought no object.
Unserved Refuse(std::string_view message, const object* data) {
  Unserved unserved;
  if (auto failed = AnswerOf(kMedia, message, data, kNoMedia)) {
    unserved.answers.push_back(*std::move(failed));
    return unserved;
  }
  const std::string info = "tallybus does not serve " + EscapedPrefix(message, 64);
  if (auto failed = AnswerOf(kOthers, message, data, info)) {
    unserved.answers.push_back(*std::move(failed));
  }
  unserved.answers.push_back(Fail(info));
  return unserved;
}

std::string_view CallMessage(std::string_view status) {
  if (status == "RING" || status == "RING_MEDIA") return "ring";
  if (status == "ESTABLISHED") return "talk";
  if (status == "HOLD") return "hold";
  if (status == "FINISH" || status == "BUSY" || status == "FAILED") return "finish";
  return "notifyTryingResponse";
}

// The SDK takes `registered` for the fact, whatever the object says.
std::string_view RegistrationMessage(std::string_view status) {
  return status == "REGISTERED" ? "registered" : "RegistrationStatusEvent";
}

// The one object that an event's `data` holds; empty where it holds none.
std::string_view ObjectOf(std::string_view data) {
  constexpr std::string_view kEnd = "]}";
  return data.substr(kData.size(), data.size() - kData.size() - kEnd.size());
}

std::string StatusOf(std::string_view data) {
  simdjson::dom::parser parser;
  object event;
  const std::string json(ObjectOf(data));
  if (parser.parse(json).get(event) != simdjson::SUCCESS) return "";
  return std::string(TextOf(event, "status"));
}

std::string MessageOf(std::string_view name, std::string_view data) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {{
      {"Snapshot", "notifyStreamStatusEvent"},
      {"StreamStatusEvent", "notifyStreamStatusEvent"},
      {"StreamEvent", "notifyStreamEvent"},
      {"TransferStatusEvent", "notifyTransferEvent"},
      {"SessionDebugStatusEvent", "notifySessionDebugEvent"},
  }};
  for (const auto& [event, message] : kNames) {
    if (event == name) return std::string(message);
  }
  if (name == "CallStatusEvent") return std::string(CallMessage(StatusOf(data)));
  if (name == "RegistrationStatusEvent") return std::string(RegistrationMessage(StatusOf(data)));
  return std::string(name);
}

// With these two the SDK would end a stream whose hook failed.
std::string FailOf(std::string_view data) {
  simdjson::dom::parser parser;
  object event;
  const std::string json(ObjectOf(data));
  if (parser.parse(json).get(event) != simdjson::SUCCESS) return Fail("");
  std::string members;
  for (const auto member : event) {
    if (member.key == "apiMethod" || member.key == "id") continue;
    AppendMember(member.key, simdjson::minify(member.value), &members);
  }
  return FrameWith("fail", absl::StrCat("{", members, "}"));
}

}  // namespace

absl::StatusOr<ClientFrame> ReadFrame(std::string_view text) {
  simdjson::dom::parser parser(kMostFrameBytes);
  object frame;
  if (parser.allocate(text.size(), kMostDepth) != simdjson::SUCCESS ||
      parser.parse(text.data(), text.size()).get(frame) != simdjson::SUCCESS) {
    return Wrong("the frame is no JSON object");
  }
  std::string_view message;
  if (frame["message"].get(message) != simdjson::SUCCESS) return Wrong("message is no text");
  if (message == "ping") return Ping{};
  // An answer to a line of the log would be the next one's cause.
  if (message == "pong" || message == "pushLogs") return Heard{};
  object data;
  const bool has_data = frame["data"].at(0).get(data) == simdjson::SUCCESS;
  if (message == "connection") {
    return has_data ? ReadConnection(data) : Wrong("data is no array of an object");
  }
  return Refuse(message, has_data ? &data : nullptr);
}

bool IsConnection(std::string_view text) {
  simdjson::dom::parser parser(kMostFrameBytes);
  object frame;
  return parser.parse(text.data(), text.size()).get(frame) == simdjson::SUCCESS &&
         TextOf(frame, "message") == "connection";
}

std::string UserData(const Connection& connection, std::string_view auth_token,
                     std::string_view session_id) {
  std::string members;
  AppendMember("appKey", JsonString(connection.app_key), &members);
  if (!connection.further.empty()) absl::StrAppend(&members, ",", connection.further);
  AppendMember("authToken", JsonString(auth_token), &members);
  AppendMember("sessionId", JsonString(session_id), &members);
  return FrameWith("getUserData", absl::StrCat("{", members, "}"));
}

std::string Fail(std::string_view info) {
  return FrameWith("fail", absl::StrCat("{\"status\":\"FAILED\",\"info\":", JsonString(info), "}"));
}

// The SDK looks into `data` before it looks at the name.
std::string PingFrame() { return FrameWith("ping", ""); }
std::string PongFrame() { return FrameWith("pong", ""); }

std::optional<Frame> FrameOf(std::string_view name, std::string_view tail) {
  if (name == "Resumed") return std::nullopt;
  // A tail's members before `data` are ours, and have no such text in them.
  const std::string_view data = tail.substr(tail.find(kData));
  if (name == "Snapshot" && ObjectOf(data).empty()) return std::nullopt;
  if (name == "ErrorEvent") return Frame{FailOf(data), {}};
  return Frame{absl::StrCat("{\"message\":\"", MessageOf(name, data), "\","), data};
}

}  // namespace tallybus::wcs
