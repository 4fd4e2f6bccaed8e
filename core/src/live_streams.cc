// One walk over all that lives answers every filter: a thousand clients that come back at once cost
// the router one walk, not a thousand.
#include "tallybus/live_streams.h"

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string_view>
#include <utility>

#include "router_line.h"

namespace tallybus {
namespace {

// Which filters list a word, by their index.
using Wanted = absl::flat_hash_map<std::string, std::vector<size_t>>;

void Want(const std::vector<std::string>& words, size_t filter, Wanted* wanted) {
  for (const std::string& word : words) (*wanted)[word].push_back(filter);
}

std::span<const size_t> Find(const Wanted& wanted, std::string_view word) {
  auto found = wanted.find(absl::string_view(word.data(), word.size()));
  if (word.empty() || found == wanted.end()) return {};
  return found->second;
}

class LiveWalk {
 public:
  LiveWalk(const std::vector<LiveFilter>& filters, size_t most_bytes)
      : filters_(filters),
        most_bytes_(most_bytes),
        answers_(filters.size()),
        answered_(filters.size()),
        bytes_(filters.size()),
        seen_(filters.size()) {
    for (size_t i = 0; i < filters.size(); ++i) {
      Want(filters[i].sessions, i, &sessions_);
      Want(filters[i].streams, i, &streams_);
      Want(filters[i].apps, i, &apps_);
    }
  }

  // `json` is called where at least one filter takes the stream.
  template <typename Json>
  void Visit(const LiveEntry& stream, Json json) {
    ++visited_;
    takers_.clear();
    Add(Find(sessions_, stream.session_id()), stream.app_key());
    Add(Find(streams_, stream.name()), stream.app_key());
    Add(Find(apps_, stream.app_key()), stream.app_key());
    if (takers_.empty()) return;
    const std::string text = json();
    for (size_t taker : takers_) Give(taker, text);
  }

  std::vector<LiveStreams> Take() { return std::move(answers_); }

 private:
  void Add(std::span<const size_t> filters, std::string_view app) {
    for (size_t filter : filters) {
      const std::string& within = filters_[filter].within_app;
      if (!within.empty() && within != app) continue;
      if (std::exchange(seen_[filter], visited_) == visited_) continue;
      if (filter < answered_ && !answers_[filter].cut) takers_.push_back(filter);
    }
  }

  void Give(size_t filter, const std::string& text) {
    if (filter >= answered_) return;
    LiveStreams& answer = answers_[filter];
    answer.cut = answer.json.size() >= filters_[filter].most_streams ||
                 bytes_[filter] + text.size() > filters_[filter].most_bytes;
    if (answer.cut) return;
    answer.json.push_back(text);
    bytes_[filter] += text.size();
    all_bytes_ += text.size();
    while (all_bytes_ > most_bytes_ && answered_ > 1) PostponeLast();
  }

  // From the end on: who asked first is answered first, and every walk answers somebody.
  void PostponeLast() {
    --answered_;
    all_bytes_ -= bytes_[answered_];
    answers_[answered_] = {};
    answers_[answered_].postponed = true;
  }

  const std::vector<LiveFilter>& filters_;
  const size_t most_bytes_;
  Wanted sessions_, streams_, apps_;
  std::vector<LiveStreams> answers_;
  size_t answered_;  // those from here on are postponed
  std::vector<size_t> bytes_;
  size_t all_bytes_ = 0;
  std::vector<size_t> seen_;  // the stream that a filter took last
  std::vector<size_t> takers_;
  size_t visited_ = 0;
};

}  // namespace

std::vector<LiveStreams> Router::Line::FindLive(const std::vector<LiveFilter>& filters,
                                                size_t most_bytes) const {
  LiveWalk walk(filters, most_bytes);
  live_.ForEachStream([&](const LiveTable::Stream& stream) {
    const LiveEntry& entry = stream.entry;
    walk.Visit(entry, [&] {
      Event about;  // as much of it as governs what its client may see
      about.method = kStreamStatusEvent;
      about.app_key = entry.app_key();
      about.session_id = entry.session_id();
      return WithoutFields(entry.json(), Decide(about, sessions, *routes).client_exclude);
    });
  });
  return walk.Take();
}

}  // namespace tallybus
