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

// A stream's key, or a session's id.
std::string_view BehindKind(std::string_view key) { return key.substr(key.find('/') + 1); }

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
  const Event event = Made(record.key, record.json, absl::UnixEpoch());
  Held& held = HeldBy(record.source);
  Keep(held, LiveEntry::Make({record.key, record.json, event.status, event.app_key,
                              event.session_id, event.name},
                             now, record.lost));
  std::string& node_id = held.second.node_id;
  if (node_id.empty()) node_id = event.node_id;
}

bool LiveTable::Note(const std::string& name, const Event& event, MonoTime now, Changes* changes) {
  SetLiveKey(event, &key_);
  if (key_.empty()) return false;
  if (event.terminal) {
    auto found = by_name_.find(name);
    if (found != by_name_.end()) Erase(*found, key_, changes);
    return false;
  }
  Held& held = HeldBy(name);
  Source& source = held.second;
  if (source.node_id.empty()) source.node_id = event.node_id;
  auto found = source.entries.find(key_);
  const bool is_new = found == source.entries.end();
  if (!is_new) {
    LiveEntry& entry = **found;
    entry.heard = now;
    if (entry.status() == event.status && !entry.lost) return false;
  }
  std::string json = WithoutFields(event.json, sdp_);
  Keep(held,
       LiveEntry::Make({key_, json, event.status, event.app_key, event.session_id, event.name}, now,
                       false));
  changes->push_back({name, key_, std::move(json), false});
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
  if (entry == source->second.entries.end() || (*entry)->lost) return std::nullopt;
  return Made(stream.key, (*entry)->json(), now);
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
LiveTable::Held& LiveTable::HeldBy(const std::string& name) {
  if (last_ == nullptr || last_->first != name) last_ = &*by_name_.try_emplace(name).first;
  return *last_;
}

void LiveTable::Keep(Held& held, LiveEntryPtr entry) {
  const std::string_view key = entry->key();
  Drop(held, key);
  if (IsStream(key)) {
    streams_.insert({entry.get(), &held});
  } else if (!IsOpened(key)) {
    sessions_.emplace(BehindKind(key), &held);
  }
  held.second.entries.insert(std::move(entry));
  ++size_;
}

bool LiveTable::Drop(Held& held, std::string_view key) {
  const auto dropped = held.second.entries.extract(key);
  if (dropped.empty()) return false;
  --size_;
  if (IsStream(key)) {
    streams_.erase(Row{dropped.value().get(), &held});
  } else {
    Strike(held, std::string(BehindKind(key)));
  }
  return true;
}

void LiveTable::Erase(Held& held, const std::string& key, Changes* changes) {
  if (Drop(held, key)) changes->push_back({held.first, key, "", false});
}

void LiveTable::Strike(const Held& held, const std::string& session_id) {
  const Source& source = held.second;
  if (source.sessions.contains(session_id) || source.entries.contains(kSession + session_id)) {
    return;
  }
  sessions_.erase({session_id, &held});
}

void LiveTable::NoteSession(const std::string& name, const SessionChange& change) {
  Held& held = HeldBy(name);
  if (change.action == SessionChange::Action::kClose) {
    held.second.sessions.erase(change.session_id);
    return Strike(held, change.session_id);
  }
  held.second.sessions[change.session_id] = change.app_key;
  sessions_.emplace(change.session_id, &held);
}

void LiveTable::ForgetSession(const std::string& session_id) {
  for (Held& held : by_name_) {
    if (held.second.sessions.erase(session_id) != 0) Strike(held, session_id);
  }
}

void LiveTable::Supersede(const std::string& name) {
  const std::string node = by_name_[name].node_id;
  for (auto& [earlier, source] : by_name_) {
    if (earlier == name || source.node_id != node || absl::StartsWith(earlier, kNode)) continue;
    for (const LiveEntryPtr& entry : source.entries) {
      if (entry->lost) continue;
      const Event event = Made(entry->key(), entry->json(), absl::UnixEpoch());
      superseded_[LaneKey(event)] = {earlier, std::string(entry->key())};
    }
    for (const auto& [id, app_key] : source.sessions) superseded_[id] = {earlier, kSession + id};
    source.superseded = true;
  }
}

std::optional<Event> LiveTable::EndSuperseded(const std::string& name, const std::string& lane,
                                              std::string_view info, absl::Time now,
                                              Changes* changes) {
  if (superseded_.empty()) return std::nullopt;
  Held& next = HeldBy(name);
  ForgetSuperseded(next);
  auto held = superseded_.find(lane);
  if (held == superseded_.end()) return std::nullopt;
  const auto [earlier, key] = held->second;
  auto found = by_name_.find(earlier);
  if (found == by_name_.end() || found->second.node_id != next.second.node_id) {
    return std::nullopt;
  }
  superseded_.erase(held);
  Source& source = found->second;
  auto session = IsStream(key) ? source.sessions.end() : source.sessions.find(lane);
  auto entry = source.entries.find(key);
  std::string json;
  if (entry != source.entries.end()) {
    if (!(*entry)->lost) json = (*entry)->json();
  } else if (session != source.sessions.end()) {
    json = SessionJson(source.node_id, session->second, lane);
  }
  if (session != source.sessions.end()) source.sessions.erase(session);
  Erase(*found, key, changes);
  if (!IsStream(key)) Strike(*found, lane);
  if (json.empty()) return std::nullopt;
  return Made(key, WithStatus(json, EndStatus(key), info), now);
}

void LiveTable::ForgetSuperseded(Held& held) {
  if (!std::exchange(held.second.superseded, false)) return;
  absl::erase_if(superseded_, [&](const auto& lane) { return lane.second.source == held.first; });
}

std::vector<Event> LiveTable::End(const std::string& name, std::string_view info, bool lost,
                                  absl::Time now, Changes* changes) {
  std::vector<Event> ends;
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return ends;
  Source& source = found->second;
  ForgetSuperseded(*found);
  for (const LiveEntryPtr& entry : source.entries) {
    if (std::exchange(entry->lost, true)) continue;
    const std::string_view key = entry->key();
    ends.push_back(Made(key, WithStatus(entry->json(), EndStatus(key), info), now));
    changes->push_back({name, std::string(key), std::string(entry->json()), true});
  }
  for (const auto& [id, app_key] : source.sessions) {
    if (source.entries.contains(kSession + id) || source.entries.contains(kOpened + id)) continue;
    const std::string json = SessionJson(source.node_id, app_key, id);
    ends.push_back(Made(kSession, WithStatus(json, "DISCONNECTED", info), now));
    std::string told = WithStatus(json, "ESTABLISHED", "engine returned");
    Keep(*found, LiveEntry::Make({kOpened + id, told}, MonoTime(), true));
    changes->push_back({name, kOpened + id, std::move(told), true});
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
  std::vector<std::string> opened;
  for (const LiveEntryPtr& entry : found->second.entries) {
    if (!entry->lost) continue;
    std::string key(entry->key());
    statuses.push_back(Made(key, entry->json(), now));
    if (IsOpened(key)) {
      opened.push_back(std::move(key));
      continue;
    }
    entry->lost = false;
    changes->push_back({name, std::move(key), std::string(entry->json()), false});
  }
  for (const std::string& key : opened) Erase(*found, key, changes);
  std::stable_partition(statuses.begin(), statuses.end(), [](const Event& status) {
    return status.method == kConnectionStatusEvent;
  });
  return statuses;
}

void LiveTable::Forget(const std::string& name, Changes* changes) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  ForgetSuperseded(*found);
  for (const LiveEntryPtr& entry : found->second.entries) {
    const std::string key(entry->key());
    changes->push_back({name, key, "", false});
    streams_.erase(Row{entry.get(), &*found});
    sessions_.erase({std::string(BehindKind(key)), &*found});
  }
  for (const auto& [id, app_key] : found->second.sessions) sessions_.erase({id, &*found});
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
                     [](const LiveEntryPtr& entry) { return entry->lost; });
}

std::vector<Event> LiveTable::EndStale(
    const Limit& limit, const std::function<bool(const std::string& source)>& watched, MonoTime now,
    absl::Time wall, Changes* changes) {
  std::vector<Event> ends;
  for (Held& held : by_name_) {
    const auto& [name, source] = held;
    if (!absl::StartsWith(name, kNode) || watched(name)) continue;
    std::vector<std::string> stale;
    for (const LiveEntryPtr& entry : source.entries) {
      if (!IsStream(entry->key())) continue;
      const std::optional<absl::Duration> longest = limit(entry->app_key());
      if (!longest || now - entry->heard < *longest) continue;
      ends.push_back(Made(entry->key(), WithStatus(entry->json(), "FAILED", "stale"), wall));
      stale.emplace_back(entry->key());
    }
    for (const std::string& key : stale) Erase(held, key, changes);
  }
  return ends;
}

void LiveTable::ForEachStream(const std::function<void(const Stream&)>& visit) const {
  for (const auto& [source, held] : by_name_) {
    for (const LiveEntryPtr& entry : held.entries) {
      if (!entry->lost && IsStream(entry->key())) visit({source, *entry});
    }
  }
}

LiveTable::Listed LiveTable::AsListed(const LiveEntry& entry, const Held& held) {
  return {.key = BehindKind(entry.key()),
          .stream = {held.first, std::string(entry.key())},
          .node_id = held.second.node_id,
          .app_key = entry.app_key(),
          .session_id = entry.session_id(),
          .name = entry.name(),
          .status = entry.status(),
          .lives = !entry.lost};
}

LiveTable::Listed LiveTable::AsListed(const std::string& session_id, const Held& held) {
  const auto& [name, source] = held;
  auto found = source.entries.find(kSession + session_id);
  if (found != source.entries.end()) return AsListed(**found, held);
  // Its engine opened it, and it never had an event.
  return {.key = session_id,
          .stream = {name, kSession + session_id},
          .node_id = source.node_id,
          .app_key = source.sessions.find(session_id)->second,
          .session_id = session_id,
          .lives = !source.entries.contains(kOpened + session_id)};
}

void LiveTable::Walk(bool streams, std::string_view after,
                     const std::function<bool(const Listed&)>& visit) const {
  std::string from = (streams ? kStream : "") + std::string(after);
  // The least text behind `after` is the same with a zero byte more.
  if (!after.empty()) from.push_back('\0');
  if (streams) {
    for (auto row = streams_.lower_bound(from); row != streams_.end(); ++row) {
      if (!visit(AsListed(*row->entry, *row->held))) return;
    }
  } else {
    for (auto row = sessions_.lower_bound({from, nullptr}); row != sessions_.end(); ++row) {
      if (!visit(AsListed(row->first, *row->second))) return;
    }
  }
}

}  // namespace tallybus
