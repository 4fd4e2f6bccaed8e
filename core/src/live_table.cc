// Keys say what lives: "stream/<mediaSessionId>", "stream/<app>/<name>", "session/<id>". A session
// of which nothing but its opening is known has a record "opened/<id>" once its end was told for a
// lost engine, until that comes back.
#include "live_table.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>

#include "codec/json_writer.h"
#include "codec/with_status.h"
#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr char kStream[] = "stream/";
constexpr char kSession[] = "session/";
constexpr char kOpened[] = "opened/";
constexpr char kNode[] = "node/";

// Empty: the event is about nothing that lives.
void SetLiveKey(const Event& event, std::string* key) {
  key->clear();
  if (event.method == kConnectionStatusEvent && !event.session_id.empty()) {
    key->append(kSession).append(event.session_id);
  } else if (event.method == kStreamStatusEvent && !event.media_session_id.empty()) {
    key->append(kStream).append(event.media_session_id);
  } else if (event.method == kStreamStatusEvent && event.published && !event.name.empty()) {
    key->append(kStream).append(event.app_key).append("/").append(event.name);
  }
}

bool IsStream(std::string_view key) {
  return absl::StartsWith(absl::string_view(key.data(), key.size()), kStream);
}

std::string_view EndStatus(std::string_view key) {
  return IsStream(key) ? "FAILED" : "DISCONNECTED";
}

bool IsOpened(std::string_view key) {
  return absl::StartsWith(absl::string_view(key.data(), key.size()), kOpened);
}

Event Made(std::string_view key, std::string_view json, absl::Time now) {
  EventDefaults defaults;
  defaults.now = now;
  absl::StatusOr<Event> event =
      EventFromJson(IsStream(key) ? kStreamStatusEvent : kConnectionStatusEvent, json, defaults);
  Event made = event.ok() ? *std::move(event) : Event();  // an accepted event's object
  made.time = now;
  made.from_router = true;
  return made;
}

std::string SessionJson(const std::string& node, const std::string& app, const std::string& id) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.String("nodeId", node);
  writer.String("appKey", app);
  writer.String("sessionId", id);
  writer.Close();
  return json;
}

}  // namespace

std::string SourceOfEpoch(uint64_t epoch) { return absl::StrFormat("%016x", epoch); }
std::string SourceOfNode(std::string_view node_id) { return kNode + std::string(node_id); }

void LiveTable::Take(LiveRecord record, MonoTime now) {
  Entry& entry = by_name_[record.source].entries[record.key];
  Enlist(record.source, record.key);
  const Event event = Made(record.key, record.json, absl::UnixEpoch());
  entry.status = event.status;
  entry.app_key = event.app_key;
  entry.session_id = event.session_id;
  entry.name = event.name;
  entry.json = std::move(record.json);
  entry.heard = now;
  entry.lost = record.lost;
  std::string& node_id = by_name_[record.source].node_id;
  if (node_id.empty()) node_id = event.node_id;
  ++size_;
}

bool LiveTable::Note(const std::string& name, const Event& event, MonoTime now, Changes* changes) {
  SetLiveKey(event, &key_);
  if (key_.empty()) return false;
  if (event.terminal) {
    auto found = by_name_.find(name);
    if (found != by_name_.end()) Erase(found->second, name, key_, changes);
    return false;
  }
  Source& source = SourceOf(name);
  if (source.node_id.empty()) source.node_id = event.node_id;
  auto [found, is_new] = source.entries.try_emplace(key_);
  Entry& entry = found->second;
  entry.heard = now;
  if (is_new) {
    ++size_;
    Enlist(name, key_);
  }
  if (!is_new && entry.status == event.status && !entry.lost) return false;
  entry.status = event.status;
  entry.app_key = event.app_key;
  entry.session_id = event.session_id;
  entry.name = event.name;
  entry.json = WithoutFields(event.json, sdp_);
  entry.lost = false;
  changes->push_back({name, key_, entry.json, false});
  return is_new && IsStream(key_);
}

LiveTable::StreamName LiveTable::NameOf(const std::string& source, const Event& event) {
  StreamName name{source, ""};
  SetLiveKey(event, &name.key);
  return name;
}

std::optional<Event> LiveTable::Find(const StreamName& stream, absl::Time now) const {
  auto source = by_name_.find(stream.source);
  if (source == by_name_.end()) return std::nullopt;
  auto entry = source->second.entries.find(stream.key);
  if (entry == source->second.entries.end() || entry->second.lost) return std::nullopt;
  return Made(stream.key, entry->second.json, now);
}

std::string LiveTable::SourceOfStream(const Event& event) const {
  Event status;
  status.method = kStreamStatusEvent;
  status.app_key = event.app_key;
  status.media_session_id = event.media_session_id;
  status.name = event.name;
  status.published = event.published;
  const std::string key = NameOf("", status).key;
  for (const auto& [name, source] : by_name_) {
    if (source.entries.contains(key)) return name;
  }
  return "";
}

// Most events are of the source of the one before.
LiveTable::Source& LiveTable::SourceOf(const std::string& name) {
  if (last_ == nullptr || last_->first != name) last_ = &*by_name_.try_emplace(name).first;
  return last_->second;
}

void LiveTable::NoteSession(const std::string& name, const SessionChange& change) {
  Source& source = by_name_[name];
  if (change.action == SessionChange::Action::kClose) {
    source.sessions.erase(change.session_id);
    return Strike(name, kSession + change.session_id);
  }
  source.sessions[change.session_id] = change.app_key;
  Enlist(name, kSession + change.session_id);
}

void LiveTable::ForgetSession(const std::string& session_id) {
  for (auto& [name, source] : by_name_) {
    if (source.sessions.erase(session_id) != 0) Strike(name, kSession + session_id);
  }
}

void LiveTable::Erase(Source& source, const std::string& name, const std::string& key,
                      Changes* changes) {
  if (source.entries.erase(key) == 0) return;
  --size_;
  Strike(name, key);
  changes->push_back({name, key, "", false});
}

void LiveTable::Supersede(const std::string& name) {
  const std::string node = by_name_[name].node_id;
  for (auto& [earlier, source] : by_name_) {
    if (earlier == name || source.node_id != node || absl::StartsWith(earlier, kNode)) continue;
    for (const auto& [key, entry] : source.entries) {
      if (entry.lost) continue;
      superseded_[LaneKey(Made(key, entry.json, absl::UnixEpoch()))] = {earlier, key};
    }
    for (const auto& [id, app_key] : source.sessions) superseded_[id] = {earlier, kSession + id};
    source.superseded = true;
  }
}

std::optional<Event> LiveTable::EndSuperseded(const std::string& name, const std::string& lane,
                                              std::string_view info, absl::Time now,
                                              Changes* changes) {
  if (superseded_.empty()) return std::nullopt;
  ForgetSuperseded(by_name_[name], name);
  auto held = superseded_.find(lane);
  if (held == superseded_.end()) return std::nullopt;
  const auto [earlier, key] = held->second;
  auto found = by_name_.find(earlier);
  if (found == by_name_.end() || found->second.node_id != by_name_[name].node_id) {
    return std::nullopt;
  }
  superseded_.erase(held);
  Source& source = found->second;
  auto session = IsStream(key) ? source.sessions.end() : source.sessions.find(lane);
  auto entry = source.entries.find(key);
  std::string json;
  if (entry != source.entries.end()) {
    if (!entry->second.lost) json = entry->second.json;
  } else if (session != source.sessions.end()) {
    json = SessionJson(source.node_id, session->second, lane);
  }
  if (session != source.sessions.end()) source.sessions.erase(session);
  Erase(source, earlier, key, changes);
  Strike(earlier, key);
  if (json.empty()) return std::nullopt;
  return Made(key, WithStatus(json, EndStatus(key), info), now);
}

void LiveTable::ForgetSuperseded(Source& source, const std::string& name) {
  if (!std::exchange(source.superseded, false)) return;
  absl::erase_if(superseded_, [&](const auto& held) { return held.second.source == name; });
}

std::vector<Event> LiveTable::End(const std::string& name, std::string_view info, bool lost,
                                  absl::Time now, Changes* changes) {
  std::vector<Event> ends;
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return ends;
  Source& source = found->second;
  ForgetSuperseded(source, name);
  for (auto& [key, entry] : source.entries) {
    if (entry.lost) continue;
    ends.push_back(Made(key, WithStatus(entry.json, EndStatus(key), info), now));
    entry.lost = true;
    changes->push_back({name, key, entry.json, true});
  }
  for (const auto& [id, app_key] : source.sessions) {
    if (source.entries.contains(kSession + id) || source.entries.contains(kOpened + id)) continue;
    const std::string json = SessionJson(source.node_id, app_key, id);
    ends.push_back(Made(kSession, WithStatus(json, "DISCONNECTED", info), now));
    Entry& told = source.entries[kOpened + id];
    told.json = WithStatus(json, "ESTABLISHED", "engine returned");
    told.lost = true;
    ++size_;
    changes->push_back({name, kOpened + id, told.json, true});
  }
  std::stable_partition(ends.begin(), ends.end(),
                        [](const Event& end) { return end.method == kStreamStatusEvent; });
  if (!lost) Forget(name, changes);
  return ends;
}

std::vector<Event> LiveTable::Return(const std::string& name, absl::Time now, Changes* changes) {
  std::vector<Event> statuses;
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return statuses;
  Source& source = found->second;
  std::vector<std::string> opened;
  for (auto& [key, entry] : source.entries) {
    if (!entry.lost) continue;
    statuses.push_back(Made(key, entry.json, now));
    if (IsOpened(key)) {
      opened.push_back(key);
      continue;
    }
    entry.lost = false;
    changes->push_back({name, key, entry.json, false});
  }
  for (const std::string& key : opened) Erase(source, name, key, changes);
  std::stable_partition(statuses.begin(), statuses.end(), [](const Event& status) {
    return status.method == kConnectionStatusEvent;
  });
  return statuses;
}

void LiveTable::Forget(const std::string& name, Changes* changes) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  ForgetSuperseded(found->second, name);
  for (const auto& [key, entry] : found->second.entries) {
    changes->push_back({name, key, "", false});
    listed_.erase({key, &*found});
  }
  for (const auto& [id, app_key] : found->second.sessions) listed_.erase({kSession + id, &*found});
  size_ -= found->second.entries.size();
  if (last_ == &*found) last_ = nullptr;
  by_name_.erase(found);
}

std::vector<std::string> LiveTable::SessionsOf(const std::string& name) const {
  std::vector<std::string> ids;
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return ids;
  for (const auto& [id, app_key] : found->second.sessions) ids.push_back(id);
  return ids;
}

bool LiveTable::HasLost(const std::string& name) const {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  const auto& entries = found->second.entries;
  return std::any_of(entries.begin(), entries.end(),
                     [](const auto& entry) { return entry.second.lost; });
}

std::vector<Event> LiveTable::EndStale(
    const Limit& limit, const std::function<bool(const std::string& source)>& watched, MonoTime now,
    absl::Time wall, Changes* changes) {
  std::vector<Event> ends;
  for (auto& [name, source] : by_name_) {
    if (!absl::StartsWith(name, kNode) || watched(name)) continue;
    std::vector<std::string> stale;
    for (const auto& [key, entry] : source.entries) {
      if (!IsStream(key)) continue;
      const std::optional<absl::Duration> longest = limit(entry.app_key);
      if (!longest || now - entry.heard < *longest) continue;
      ends.push_back(Made(key, WithStatus(entry.json, "FAILED", "stale"), wall));
      stale.push_back(key);
    }
    for (const std::string& key : stale) Erase(source, name, key, changes);
  }
  return ends;
}

void LiveTable::ForEachStream(const std::function<void(const Stream&)>& visit) const {
  for (const auto& [source, held] : by_name_) {
    for (const auto& [key, entry] : held.entries) {
      if (entry.lost || !IsStream(key)) continue;
      visit({source, key, entry.app_key, entry.session_id, entry.name, entry.json});
    }
  }
}

void LiveTable::Enlist(const std::string& name, const std::string& key) {
  if (!IsOpened(key)) listed_.emplace(key, &*by_name_.find(name));
}

void LiveTable::Strike(const std::string& name, const std::string& key) {
  auto found = by_name_.find(name);
  if (found == by_name_.end() || found->second.entries.contains(key)) return;
  const bool session = !IsStream(key) && !IsOpened(key);
  if (session && found->second.sessions.contains(key.substr(sizeof kSession - 1))) return;
  listed_.erase({key, &*found});
}

void LiveTable::Walk(bool streams, std::string_view after,
                     const std::function<bool(const Listed&)>& visit) const {
  const std::string kind = streams ? kStream : kSession;
  // The least text behind `after` is the same with a zero byte more.
  std::string from = kind + std::string(after);
  if (!after.empty()) from.push_back('\0');
  for (auto at = listed_.lower_bound({from, nullptr}); at != listed_.end(); ++at) {
    const auto& [key, held] = *at;
    if (!absl::StartsWith(key, kind)) return;
    const auto& [name, source] = *held;
    Listed listed{.key = std::string_view(key).substr(kind.size()),
                  .stream = {name, key},
                  .node_id = source.node_id};
    if (auto found = source.entries.find(key); found != source.entries.end()) {
      const Entry& entry = found->second;
      listed.app_key = entry.app_key;
      listed.session_id = entry.session_id;
      listed.name = entry.name;
      listed.status = entry.status;
      listed.lives = !entry.lost;
    } else {  // a session that its engine opened, and that never had an event
      listed.session_id = listed.key;
      listed.app_key = source.sessions.find(std::string(listed.key))->second;
      listed.lives = !source.entries.contains(kOpened + std::string(listed.key));
    }
    if (!visit(listed)) return;
  }
}

}  // namespace tallybus
