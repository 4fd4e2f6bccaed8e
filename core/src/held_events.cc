// A held event is kept beside what is live: its own fields in front, then its object as it came.
#include "held_events.h"

#include <absl/strings/match.h>
#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <algorithm>
#include <utility>

#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {
namespace {

constexpr char kKey[] = "held/";

std::string Written(const Event& event) {
  std::string text;
  JsonObjectWriter writer(&text);
  writer.String("epoch", absl::StrFormat("%016x", event.id.epoch));
  writer.Int("sequence", static_cast<int64_t>(event.id.sequence));
  writer.Int("time", absl::ToUnixMicros(event.time));
  writer.String("method", event.method);
  writer.String("nodeId", event.node_id);
  writer.String("appKey", event.app_key);
  writer.String("sessionId", event.session_id);
  writer.String("mediaSessionId", event.media_session_id);
  writer.String("name", event.name);
  writer.String("status", event.status);
  writer.Bool("published", event.published);
  writer.Bool("terminal", event.terminal);
  writer.Bool("fromRouter", event.from_router);
  writer.Close();
  return text.append("\n").append(event.json);
}

void Fill(const JsonMember& member, Event* event) {
  const auto text = [&](std::string_view key, std::string* to) {
    if (member.key == key) *to = member.string;
  };
  const auto mark = [&](std::string_view key, bool* to) {
    if (member.key == key) *to = member.boolean;
  };
  if (member.key == "epoch") event->id.epoch = std::strtoull(member.string.c_str(), nullptr, 16);
  if (member.key == "sequence") event->id.sequence = static_cast<uint64_t>(member.integer);
  if (member.key == "time") event->time = absl::FromUnixMicros(member.integer);
  text("method", &event->method);
  text("nodeId", &event->node_id);
  text("appKey", &event->app_key);
  text("sessionId", &event->session_id);
  text("mediaSessionId", &event->media_session_id);
  text("name", &event->name);
  text("status", &event->status);
  mark("published", &event->published);
  mark("terminal", &event->terminal);
  mark("fromRouter", &event->from_router);
}

// Nothing that was written fails here; what a disk has changed does.
bool Read(std::string_view text, Event* event) {
  const size_t end = text.find('\n');
  std::vector<JsonMember> members;
  if (end == std::string_view::npos || !SplitJsonObject(text.substr(0, end), &members).ok()) {
    return false;
  }
  for (const JsonMember& member : members) Fill(member, event);
  event->json = text.substr(end + 1);
  return SplitJsonObject(event->json, &members).ok() && IsValidMethod(event->method);
}

}  // namespace

void HeldEvents::Begin(const std::string& session_id) {
  Session& session = open_[session_id];
  ++session.asked;
  session.closed = false;
}

bool HeldEvents::Holds(std::string_view session_id) const {
  if (open_.empty()) return false;  // nearly always
  auto found = open_.find(absl::string_view(session_id.data(), session_id.size()));
  return found != open_.end() && found->second.holds;
}

void HeldEvents::NoteClosed(const std::string& session_id) {
  auto found = open_.find(session_id);
  if (found != open_.end()) found->second.closed = true;
}

bool HeldEvents::WasClosed(const std::string& session_id) const {
  auto found = open_.find(session_id);
  return found != open_.end() && found->second.closed;
}

bool HeldEvents::Hold(const std::string& source, const Event& event, Changes* changes) {
  Session& session = open_[event.session_id];
  const size_t bytes = event.MemoryBytes();
  if (session.events.size() >= kMostOfASession || session.bytes + bytes > kMostBytesOfASession ||
      bytes_ + bytes > kMostBytes) {
    return false;
  }
  LiveRecord record{source, kKey + absl::StrFormat("%020d", ++last_), Written(event), false};
  session.events.push_back({event, {record.source, record.key, "", false}});
  changes->push_back(std::move(record));
  session.bytes += bytes;
  bytes_ += bytes;
  return true;
}

std::vector<Event> HeldEvents::LetGo(const std::string& session_id, Changes* changes) {
  Session& session = open_[session_id];
  std::vector<Event> events;
  for (Held& held : session.events) {
    events.push_back(std::move(held.event));
    changes->push_back(std::move(held.record));
  }
  bytes_ -= std::exchange(session.bytes, 0);
  session.events.clear();
  session.holds = false;
  return events;
}

std::vector<Event> HeldEvents::End(const std::string& session_id, Changes* changes) {
  auto found = open_.find(session_id);
  if (found == open_.end() || --found->second.asked > 0) return {};
  std::vector<Event> events = LetGo(session_id, changes);
  open_.erase(session_id);
  return events;
}

bool HeldEvents::IsOne(const LiveRecord& record) { return absl::StartsWith(record.key, kKey); }

std::vector<Event> HeldEvents::TakeLeft(Changes* changes) {
  std::sort(left_.begin(), left_.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<Event> events;
  for (LiveRecord& record : std::exchange(left_, {})) {
    Event event;
    if (Read(record.json, &event)) events.push_back(std::move(event));
    record.json.clear();
    changes->push_back(std::move(record));
  }
  return events;
}

}  // namespace tallybus
