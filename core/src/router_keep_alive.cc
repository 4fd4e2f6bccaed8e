// The one event with power: the router asks for each live stream whether it may go on.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <random>
#include <utility>

#include "router_line.h"
#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr int kMostAtOnce = 256;
constexpr int kForbidden = 403;

}  // namespace

absl::Duration Router::Line::KeepAliveOf(std::string_view app) const {
  auto found = routes->by_app.find(app);
  return found == routes->by_app.end() ? absl::InfiniteDuration() : found->second->keep_alive;
}

void Router::Line::FollowLiveStreams() {
  keep_alives_.Clear();
  keeps_alive_ = std::any_of(routes->by_app.begin(), routes->by_app.end(), [](const auto& entry) {
    return entry.second->keep_alive != absl::InfiniteDuration();
  });
  if (!keeps_alive_) return;
  live_.ForEachStream([&](const LiveTable::Stream& stream) {
    const absl::Duration interval = KeepAliveOf(stream.entry.app_key());
    if (interval != absl::InfiniteDuration()) {
      keep_alives_.Follow({stream.source, std::string(stream.entry.key())}, SomewhenIn(interval));
    }
  });
}

// The first is anywhere in the interval, so that streams that begin together are not asked about
// together for ever.
MonoTime Router::Line::SomewhenIn(absl::Duration interval) {
  return parts.clock.Now() + interval * std::uniform_real_distribution<double>(0, 1)(random_);
}

void Router::Line::Follow(const std::string& source, const Event& event) {
  const absl::Duration interval = KeepAliveOf(event.app_key);
  if (interval == absl::InfiniteDuration()) return;
  keep_alives_.Follow(LiveTable::NameOf(source, event), SomewhenIn(interval));
}

void Router::Line::KeepFollowing(const std::string& source, const Event& event, bool begins) {
  if (begins) return Follow(source, event);
  if (event.terminal && event.method == kStreamStatusEvent) {
    keep_alives_.Forget(LiveTable::NameOf(source, event));
  }
}

bool Router::Line::KeepAlive() {
  if (keep_alives_.size() == 0) return false;
  const MonoTime now = parts.clock.Now();
  Turn turn;
  int taken = 0;
  for (; taken < kMostAtOnce; ++taken) {
    std::optional<KeepAlives::Due> due = keep_alives_.TakeDue(now);
    if (!due) break;
    std::optional<Event> event = live_.Find(due->stream, PassTime());
    if (!event) continue;  // its end was told in its engine's place
    const absl::Duration interval = KeepAliveOf(event->app_key);
    if (interval == absl::InfiniteDuration()) continue;
    const MonoTime next = due->at + interval;
    keep_alives_.Follow(std::move(due->stream), next > now ? next : SomewhenIn(interval));
    if (event->status != "PUBLISHING" && event->status != "PLAYING") continue;
    event->method = kStreamKeepAliveEvent;
    TakeEvent(*std::move(event), &turn);
  }
  if (taken > 0) Append(std::move(turn));
  return taken > 0;
}

void Router::Line::EndByBackend(const SpoolRow& row, const Failure& failure) {
  const EndpointQueue* queue = dispatcher.FindQueue(failure.route);
  const bool own = queue != nullptr && queue->today != nullptr && queue->today->of_app;
  if (failure.http_status != kForbidden || row.on_error != OnError::kFail || !own) return;
  const Event& stream = *row.event;
  const std::string source = live_.SourceOfStream(stream);
  const auto publisher =
      std::find_if(publishers_.begin(), publishers_.end(),
                   [&](const auto& entry) { return SourceOfEpoch(entry.first) == source; });
  const bool told = parts.engines != nullptr && publisher != publishers_.end() &&
                    parts.engines->Terminate(publisher->first, stream, failure.info);
  (told ? counters_.terminates : counters_.terminates_lost).Add();
  ask_log_.Write(
      LogLevel::kWarning,
      absl::StrCat(std::string(failure.route), " ends stream \"", EscapedPrefix(stream.name, 128),
                   "\" of session \"", EscapedPrefix(stream.session_id, 128), "\": 403 ",
                   EscapedPrefix(failure.info, 256),
                   told ? "" : "; no engine that takes commands holds it"));
}

}  // namespace tallybus
