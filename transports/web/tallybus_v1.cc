// JSON read by simdjson, written as text.
#include "transports/web/tallybus_v1.h"

#include <absl/strings/str_cat.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "tallybus/codec.h"
#include "transports/web/query_parameters.h"

namespace tallybus::tallybus_v1 {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// Longer than any session's or stream's name of use; with kMostWatches it bounds a client's table.
constexpr size_t kLongestValue = 512;

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

std::optional<WatchKey::Kind> KindOf(std::string_view word) {
  if (word == "session") return WatchKey::Kind::kSession;
  if (word == "stream") return WatchKey::Kind::kStream;
  if (word == "app") return WatchKey::Kind::kApp;
  return std::nullopt;
}

absl::Status AddKey(WatchKey key, std::vector<WatchKey>* keys) {
  if (key.value.empty()) return Wrong("what is watched has an empty name");
  if (key.value.size() > kLongestValue) return Wrong("what is watched has a name over 512 bytes");
  if (std::find(keys->begin(), keys->end(), key) == keys->end()) keys->push_back(std::move(key));
  return absl::OkStatus();
}

absl::Status ReadKey(const element& item, std::vector<WatchKey>* keys) {
  object members;
  if (item.get(members) != simdjson::SUCCESS) return Wrong("an item of data is no object");
  std::optional<WatchKey> key;
  for (const auto member : members) {
    const auto kind = KindOf(member.key);
    std::string_view value;
    if (!kind || key || member.value.get(value) != simdjson::SUCCESS) {
      return Wrong("an item of data is not one of session, stream, app with a text");
    }
    key = WatchKey{*kind, std::string(value)};
  }
  if (!key) return Wrong("an item of data is empty");
  return AddKey(*std::move(key), keys);
}

absl::Status ReadKeys(const object& frame, std::vector<WatchKey>* keys) {
  simdjson::dom::array items;
  if (frame["data"].get(items) != simdjson::SUCCESS) return Wrong("data is no array");
  for (const element item : items) {
    if (absl::Status status = ReadKey(item, keys); !status.ok()) return status;
  }
  return keys->empty() ? Wrong("data is empty") : absl::OkStatus();
}

// Absent or a text.
absl::Status ReadText(const object& frame, const char* key, std::string* out) {
  element value;
  if (frame[key].get(value) == simdjson::NO_SUCH_FIELD) return absl::OkStatus();
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return Wrong("after and token are texts");
  out->assign(text);
  return absl::OkStatus();
}

absl::StatusOr<ClientFrame> ReadWatch(const object& frame) {
  Watch watch;
  absl::Status status = ReadKeys(frame, &watch.keys);
  if (status.ok()) status = ReadText(frame, "after", &watch.after);
  if (status.ok()) status = ReadText(frame, "token", &watch.token);
  if (!status.ok()) return status;
  return watch;
}

// A line feed would end a message of an event stream; in valid JSON it stands between tokens alone.
void AppendOnOneLine(std::string_view json, std::string* out) {
  const size_t begin = out->size();
  out->append(json);
  std::replace_if(
      out->begin() + static_cast<std::ptrdiff_t>(begin), out->end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

}  // namespace

absl::StatusOr<ClientFrame> ReadFrame(std::string_view text) {
  simdjson::dom::parser parser(kMostTokenFrameBytes);
  object frame;
  if (parser.parse(text.data(), text.size()).get(frame) != simdjson::SUCCESS) {
    return Wrong("the frame is no JSON object");
  }
  std::string_view message;
  if (frame["message"].get(message) != simdjson::SUCCESS) return Wrong("message is no text");
  if (message == "Ping") return Ping{};
  if (message == "Watch") return ReadWatch(frame);
  if (message != "Unwatch") return Wrong("message is none of Watch, Unwatch, Ping");
  Unwatch unwatch;
  if (absl::Status status = ReadKeys(frame, &unwatch.keys); !status.ok()) return status;
  return unwatch;
}

absl::StatusOr<Watch> ReadQuery(std::string_view query) {
  absl::StatusOr<QueryParameters> parameters = QueryParameters::Parse(query);
  if (!parameters.ok()) return parameters.status();
  absl::Status known = parameters->CheckNames(
      {"session", "stream", "app", "after", "last_event_id", "access_token"});
  if (!known.ok()) return known;
  Watch watch;
  for (const char* word : {"session", "stream", "app"}) {
    const std::string* value = parameters->Find(word);
    if (value == nullptr) continue;
    if (absl::Status status = AddKey({*KindOf(word), *value}, &watch.keys); !status.ok()) {
      return status;
    }
  }
  for (const char* word : {"last_event_id", "after"}) {
    if (const std::string* value = parameters->Find(word)) watch.after = *value;
  }
  if (const std::string* token = parameters->Find("access_token")) watch.token = *token;
  return watch;
}

std::string Head(uint64_t sequence) { return absl::StrCat("{\"sequence\":", sequence, ","); }

ClientMessagePtr MakeMessage(const Notification& n) {
  auto message = std::make_shared<ClientMessage>();
  message->id = n.id.ToString();
  message->name = n.message;
  message->session_id = n.session_id;
  message->stream = n.name;
  message->app_key = n.app_key;
  std::string& tail = message->tail;
  tail.reserve(n.json.size() + 128);
  absl::StrAppend(&tail, "\"message\":\"", message->name, "\",\"id\":\"", message->id,
                  "\",\"time\":\"", Rfc3339Millis(n.time), "\",\"data\":[");
  AppendOnOneLine(n.json, &tail);
  tail.append("]}");
  return message;
}

std::vector<std::string> SnapshotTails(const LiveStreams& streams) {
  std::vector<std::string> tails;
  size_t at = 0;
  do {
    std::string data;
    const size_t begin = at;
    while (at < streams.json.size() && at - begin < kMostPieceStreams) {
      if (at > begin && data.size() + streams.json[at].size() > kMostPieceBytes) break;
      if (at > begin) data.push_back(',');
      AppendOnOneLine(streams.json[at++], &data);
    }
    const bool more = at < streams.json.size();
    tails.push_back(absl::StrCat("\"message\":\"Snapshot\",", more ? "\"more\":true," : "",
                                 !more && streams.cut ? "\"cut\":true," : "", "\"data\":[", data,
                                 "]}"));
  } while (at < streams.json.size());
  return tails;
}

std::string GapTail(std::optional<uint64_t> missed) {
  return absl::StrCat("\"message\":\"Gap\",\"data\":[{\"missed\":",
                      missed ? std::to_string(*missed) : "null", "}]}");
}

std::string ResumedTail() { return "\"message\":\"Resumed\",\"data\":[]}"; }
std::string Pong() { return "{\"message\":\"Pong\"}"; }

}  // namespace tallybus::tallybus_v1
