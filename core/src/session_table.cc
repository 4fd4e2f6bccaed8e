// Sessions by id; equal configs are kept once.
#include "tallybus/session_table.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr size_t kWarningsTold = 4;  // of one config; its author sees a pattern in them
constexpr absl::Duration kKeepClosed = absl::Seconds(60);

// How much longer than its time a session may stay: all are looked at so many times in it.
constexpr int kSweeps = 8;

struct Session {
  RestClientConfigPtr config;
  MonoTime closed = MonoTime::Infinite();
  mutable MonoTime heard;  // of it, by an event or a change; to a second
};

}  // namespace

struct SessionTable::Tables {
  absl::flat_hash_map<std::string, Session> by_id;
  absl::flat_hash_map<std::string, std::weak_ptr<const RestClientConfig>> configs;  // by their JSON
  std::deque<std::pair<MonoTime, std::string>> closed;                              // in order
  MonoTime now;  // of the last Prune
  MonoTime sweep_at;
};

SessionTable::SessionTable(Log& log, absl::Duration ttl)
    : tables_(std::make_unique<Tables>()), log_(log), ttl_(ttl) {}
SessionTable::~SessionTable() = default;

void SessionTable::Apply(const SessionChange& change, MonoTime now) {
  if (change.action == SessionChange::Action::kClose) {
    auto found = tables_->by_id.find(change.session_id);
    if (found == tables_->by_id.end()) return;
    found->second.closed = now;
    tables_->closed.emplace_back(now, change.session_id);
    return;
  }
  Session& session = tables_->by_id[change.session_id];
  session.closed = MonoTime::Infinite();
  session.heard = now;
  session.config =
      change.rest_client_config ? Parse(change.session_id, *change.rest_client_config) : nullptr;
}

RestClientConfigPtr SessionTable::Parse(std::string_view session_id, const std::string& json) {
  std::weak_ptr<const RestClientConfig>& known = tables_->configs[json];
  if (RestClientConfigPtr config = known.lock()) return config;
  ParsedRestClientConfig parsed = ParseRestClientConfig(json);
  const size_t told = std::min<size_t>(parsed.warnings.size(), kWarningsTold);
  for (size_t i = 0; i < told; ++i) {
    const std::string& warning = parsed.warnings[i];
    log_.Write(LogLevel::kWarning, absl::StrCat("session \"", EscapedPrefix(session_id, 128),
                                                "\": restClientConfig ", warning));
  }
  known = parsed.config;
  return parsed.config;
}

RestClientConfigPtr SessionTable::Config(std::string_view session_id) const {
  if (tables_->by_id.empty()) return nullptr;  // a look at an empty table is a hash too many
  auto found = tables_->by_id.find(absl::string_view(session_id.data(), session_id.size()));
  if (found == tables_->by_id.end()) return nullptr;
  found->second.heard = std::max(found->second.heard, tables_->now);
  return found->second.config;
}

bool SessionTable::IsOpen(std::string_view session_id) const {
  auto found = tables_->by_id.find(absl::string_view(session_id.data(), session_id.size()));
  return found != tables_->by_id.end() && found->second.closed == MonoTime::Infinite();
}

std::vector<std::string> SessionTable::Prune(MonoTime now) {
  tables_->now = now;
  while (!tables_->closed.empty() && tables_->closed.front().first + kKeepClosed <= now) {
    auto [closed, id] = std::move(tables_->closed.front());
    tables_->closed.pop_front();
    auto found = tables_->by_id.find(id);
    // Opened or closed again since: another entry decides.
    if (found != tables_->by_id.end() && found->second.closed == closed) {
      tables_->by_id.erase(found);
    }
  }
  if (tables_->configs.size() > 2 * tables_->by_id.size() + 64) {
    absl::erase_if(tables_->configs, [](const auto& entry) { return entry.second.expired(); });
  }
  std::vector<std::string> silent;
  if (now < tables_->sweep_at) return silent;
  tables_->sweep_at = now + ttl_ / kSweeps;
  absl::erase_if(tables_->by_id, [&](const auto& entry) {
    const Session& session = entry.second;
    if (session.closed != MonoTime::Infinite() || now - session.heard < ttl_) return false;
    silent.push_back(entry.first);
    return true;
  });
  return silent;
}

size_t SessionTable::size() const { return tables_->by_id.size(); }

}  // namespace tallybus
