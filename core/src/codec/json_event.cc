// An event from the JSON object that a publisher wrote.
#include "codec/json_event.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {
namespace {

// Also of those that only an unsigned integer holds.
bool IsInteger(const JsonMember& member) {
  return member.type == JsonMember::Type::kInt ||
         std::all_of(member.value.begin(), member.value.end(), absl::ascii_isdigit);
}

// An id written as a number is taken by its digits: engines have numeric sessions.
void TakeText(const JsonMember& member, std::string* field) {
  if (!field->empty()) return;
  if (member.type == JsonMember::Type::kString) *field = member.string;
  if (IsInteger(member)) *field = std::string(member.value);
}

struct Present {
  bool node_id = false;
  bool app_key = false;
  bool session_id = false;
  bool media_session_id = false;
};

void TakeMember(const JsonMember& member, Event* event, Present* present) {
  if (member.key == "nodeId") {
    present->node_id = true;
    TakeText(member, &event->node_id);
  } else if (member.key == "appKey") {
    present->app_key = true;
    TakeText(member, &event->app_key);
  } else if (member.key == "sessionId") {
    present->session_id = true;
    TakeText(member, &event->session_id);
  } else if (member.key == "mediaSessionId") {
    present->media_session_id = true;
    TakeText(member, &event->media_session_id);
  } else if (member.key == "name") {
    TakeText(member, &event->name);
  } else if (member.key == "status") {
    TakeText(member, &event->status);
  } else if (member.key == "published") {
    event->published = member.boolean;
  }
}

// The body as it came, with the ids that it lacks put in front.
std::string WithIds(std::string_view json, const Event& event, const Present& present,
                    bool has_members) {
  std::string out;
  JsonObjectWriter writer(&out);
  if (!present.node_id) writer.String("nodeId", event.node_id);
  if (!present.app_key) writer.String("appKey", event.app_key);
  if (!present.session_id && !event.session_id.empty()) {
    writer.String("sessionId", event.session_id);
  }
  if (!present.media_session_id && !event.media_session_id.empty()) {
    writer.String("mediaSessionId", event.media_session_id);
  }
  writer.Close();
  out.pop_back();  // the object goes on with what came
  if (out.size() == 1) return std::string(json);
  if (has_members) out.push_back(',');
  out.append(json.substr(json.find('{') + 1));
  return out;
}

}  // namespace

absl::Status FinishJsonEvent(std::string_view json, const EventDefaults& defaults, Event* event) {
  if (json.size() > kMaxEventBytes) {
    return Malformed("too_large", absl::StrCat(json.size(), " bytes, over 1 MiB"));
  }
  static thread_local std::vector<JsonMember> members;
  absl::Status status = SplitJsonObject(json, &members);
  if (!status.ok()) return status;
  Present present;
  for (const JsonMember& member : members) TakeMember(member, event, &present);
  FillIds(defaults, event);
  if (absl::Status ids = CheckIds(*event); !ids.ok()) return ids;
  event->json = WithIds(json, *event, present, !members.empty());
  event->terminal = event->terminal || IsTerminalStatus(event->method, event->status);
  return absl::OkStatus();
}

absl::Status CheckIds(const Event& event) {
  for (const std::string* id : {&event.node_id, &event.app_key, &event.session_id,
                                &event.media_session_id, &event.name, &event.status}) {
    if (id->size() > kMaxIdBytes) return Malformed("too_large", "an id over 4 KiB");
  }
  return absl::OkStatus();
}

void FillIds(const EventDefaults& defaults, Event* event) {
  if (event->node_id.empty()) event->node_id = defaults.node_id;
  if (event->app_key.empty() && defaults.app_of_session) {
    event->app_key = defaults.app_of_session(event->session_id);
  }
  if (event->app_key.empty()) event->app_key = defaults.app_key;
  if (event->app_key.empty()) event->app_key = "defaultApp";
}

absl::StatusOr<Event> EventFromJson(std::string_view method, std::string_view json,
                                    const EventDefaults& defaults) {
  if (!IsValidMethod(method)) return MalformedMethod(method);
  Event event;
  event.method = method;
  event.time = defaults.now;
  absl::Status status = FinishJsonEvent(json, defaults, &event);
  if (!status.ok()) return status;
  return event;
}

absl::Status MalformedMethod(std::string_view method) {
  return Malformed("method", absl::StrCat("\"", EscapedPrefix(method),
                                          "\" is not [A-Za-z][A-Za-z0-9_.-]{0,63}"));
}

}  // namespace tallybus
