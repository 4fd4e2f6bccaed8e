// A page costs the router the rows that it looks at, however many live.
#include <absl/strings/str_cat.h>

#include <utility>

#include "router_line.h"
#include "tallybus/live_page.h"

namespace tallybus {
namespace {

constexpr size_t kMostLookedAt = 500;
constexpr size_t kMostBytes = size_t{4} << 20;  // of one page; one stream alone may have more

bool Passes(const std::string& wanted, std::string_view is) {
  return wanted.empty() || wanted == is;
}

bool Passes(const LivePageFilter& filter, const LiveTable::Listed& listed) {
  return listed.lives && Passes(filter.app, listed.app_key) &&
         Passes(filter.session, listed.session_id) && Passes(filter.status, listed.status) &&
         Passes(filter.name, listed.name);
}

}  // namespace

LivePage Router::Line::FindPage(const LivePageFilter& filter) {
  const bool streams = filter.kind == LivePageFilter::Kind::kStreams;
  LivePage page;
  page.as_of = last_seq_;
  size_t looked_at = 0, bytes = 0;
  std::string last;
  live_.Walk(streams, filter.after, [&](const LiveTable::Listed& listed) {
    // Two engines may hold one key for a while: both are on one page, since `next` cannot part
    // them.
    const bool full =
        looked_at >= kMostLookedAt || page.rows.size() >= filter.limit || bytes >= kMostBytes;
    if (full && listed.key != last) {
      page.next = last;
      return false;
    }
    ++looked_at;
    last = listed.key;
    if (!Passes(filter, listed)) return true;
    LiveRow row{.key = last,
                .node_id = std::string(listed.node_id),
                .app_key = std::string(listed.app_key),
                .session_id = std::string(listed.session_id),
                .status = std::string(listed.status)};
    if (streams) {
      FillStream(listed, &row);
    } else {
      row.config = sessions.Config(row.session_id);
    }
    if (!Passes(filter.node, row.node_id)) return true;
    bytes += row.json.size();
    page.rows.push_back(std::move(row));
    return true;
  });
  return page;
}

void Router::Line::FillStream(const LiveTable::Listed& listed, LiveRow* row) {
  const std::optional<Event> event = live_.Find(listed.stream, PassTime());
  if (!event) return;
  row->node_id = event->node_id;
  row->lane = LaneKey(*event);
  // A status that the backend is not told of may follow one that it was, and hides the same.
  const AskDecision backend = DecideAsk(*event, sessions, *routes);
  row->told = backend.route != nullptr;
  row->lane_sequence = dispatcher.LastSequence(absl::StrCat(event->app_key, "/backend"), row->lane);
  row->json = WithoutFields(event->json, backend.exclude);
}

}  // namespace tallybus
