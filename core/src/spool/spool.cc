// The sizes of what a spool holds, and the filter of what is shown of it.
#include "tallybus/spool.h"

#include <algorithm>

namespace tallybus {
namespace {

// A row's numbers, its place in two tables and their pages' slack, in bytes.
constexpr size_t kRowOverhead = 160;

bool AskedFor(const StoredFilter& filter, StoredRow::State state) {
  switch (state) {
    case StoredRow::State::kWaiting:
      return filter.waiting;
    case StoredRow::State::kDead:
      return filter.dead;
    case StoredRow::State::kDelivered:
      return filter.delivered;
  }
  return false;
}

}  // namespace

size_t SpoolRow::Bytes() const { return event->MemoryBytes() - sizeof(Event) + kRowOverhead; }

bool SpoolBatch::empty() const {
  return rows.empty() && dead.empty() && settled.empty() && lanes.empty() &&
         forgotten_lanes.empty() && publishers.empty() && sessions.empty() && live.empty() &&
         endpoints.empty() && alerts.empty() && watermarks.empty();
}

size_t SpoolBatch::Bytes() const {
  size_t bytes = sizeof(SpoolBatch);
  for (const SpoolRowPtr& row : rows) bytes += row->Bytes();
  for (const DeadRow& letter : dead) bytes += letter.row->Bytes();
  for (const SessionChange& session : sessions) {
    bytes += session.session_id.size() + session.rest_client_config.value_or("").size();
  }
  for (const LiveRecord& stream : live) bytes += stream.key.size() + stream.json.size();
  return bytes;
}

bool StoredFilter::Fits(const StoredRow& stored) const {
  const Event& event = *stored.row->event;
  const auto fits = [](const std::string& wanted, const std::string& has) {
    return wanted.empty() || wanted == has;
  };
  return AskedFor(*this, stored.state) && stored.row->seq <= through && event.time >= since &&
         event.time < until && fits(app, event.app_key) && fits(route, stored.route) &&
         fits(session, event.session_id) &&
         (fits(stream, event.name) || fits(stream, event.media_session_id)) &&
         (id.empty() || id == event.id.ToString());
}

}  // namespace tallybus
