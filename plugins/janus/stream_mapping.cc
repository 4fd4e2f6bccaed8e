// Maps what Janus reports to WCS events.
#include "stream_mapping.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "event_json.h"

namespace tallybus::janus {
namespace {

constexpr std::string_view kVideoRoom = "janus.plugin.videoroom";
constexpr std::string_view kStreaming = "janus.plugin.streaming";

std::string FeedKey(const json_t* data) { return Id(data, "room") + "\n" + Id(data, "id"); }

std::string FeedName(const std::string& room, std::string display, std::string id) {
  return room + "/" + (display.empty() ? std::move(id) : std::move(display));
}

std::string PublisherName(const json_t* data) {
  return FeedName(Id(data, "room"), ShortText(data, "display"), Id(data, "id"));
}

// A subscriber may receive several feeds over one handle: it bears the name of the first.
std::string SubscriberName(const json_t* data) {
  const json_t* streams = json_object_get(data, "streams");
  for (size_t i = 0; i < json_array_size(streams); ++i) {
    const json_t* stream = json_array_get(streams, i);
    std::string id = Id(stream, "feed_id");
    if (!id.empty()) {
      return FeedName(Id(data, "room"), ShortText(stream, "feed_display"), std::move(id));
    }
  }
  return Id(data, "room") + "/";
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool MayEnd(const json_t* event) {
  const json_t* body = json_object_get(event, "event");
  const json_t* data = json_object_get(body, "data");
  switch (Integer(event, "type")) {
    case kSessionEvent:
      return IsOneOf(Text(body, "name"), {"destroyed", "timeout"});
    case kHandleEvent:
      return Text(body, "name") == "detached";
    case kWebrtcEvent:
      return Text(body, "connection") == "hangup";
    case kPluginEvent:
      return IsOneOf(Text(data, "event"), {"unpublished", "leaving", "kicked", "unsubscribed"}) ||
             IsOneOf(Text(data, "status"), {"stopping", "switching"});
    default:
      return false;
  }
}

bool MayBeginOrEnd(const json_t* event) {
  const bool begins = Integer(event, "type") == kSessionEvent &&
                      Text(json_object_get(event, "event"), "name") == "created";
  return begins || MayEnd(event);
}

int64_t StreamMapping::EventMask() const {
  if (!options_.streams) return kSessionEvent;
  // Sessions, since they end streams; JSEP, since only it tells what a viewer receives.
  return kSessionEvent | kHandleEvent | kJsepEvent | kWebrtcEvent | kMediaEvent | kPluginEvent;
}

std::vector<WcsEvent> StreamMapping::Map(const json_t* event) {
  const json_t* body = json_object_get(event, "event");
  Origin origin{Integer(event, "session_id"), Integer(event, "handle_id"),
                std::max<int64_t>(Integer(event, "timestamp"), 0)};
  int64_t type = Integer(event, "type");
  if (type == kSessionEvent) {
    MapSession(body, origin);
  } else if (options_.streams) {
    if (type == kHandleEvent) MapHandle(body, origin);
    if (type == kJsepEvent) MapJsep(body, origin);
    if (type == kWebrtcEvent) MapWebrtc(body, origin);
    if (type == kPluginEvent) MapPlugin(body, origin);
    if (HandleLife* handle = Find(origin); type == kMediaEvent && handle != nullptr) {
      handle->TakeStatistics(body);
    }
  }
  return std::exchange(out_, {});
}

std::vector<WcsEvent> StreamMapping::EndAll(std::string_view info, int64_t time_unix_us) {
  while (!sessions_.empty()) CloseSession({sessions_.begin()->first, 0, time_unix_us}, info);
  return std::exchange(out_, {});
}

void StreamMapping::MapSession(const json_t* body, const Origin& origin) {
  std::string_view name = Text(body, "name");
  if (name == "created") OpenSession(body, origin);
  if (name == "destroyed") CloseSession(origin, "session destroyed");
  if (name == "timeout") CloseSession(origin, "session timed out");
}

void StreamMapping::OpenSession(const json_t* body, const Origin& origin) {
  if (origin.session == 0 || sessions_.contains(origin.session)) return;
  if (sessions_.size() >= options_.max_sessions) {
    ++refused_;
    if (options_.surplus) EmitSession(WcsEvent::Kind::kSurplusSession, "", "", origin);
    return;
  }
  sessions_.emplace(origin.session, Handles());
  EmitSession(WcsEvent::Kind::kOpenSession, "", "", origin);
  if (options_.sessions) {
    out_.back().transport = ShortText(json_object_get(body, "transport"), "transport");
  }
  EmitSession(WcsEvent::Kind::kConnectionStatus, "ESTABLISHED", "", origin);
}

// Janus tells this before or after the ends of the session's handles, as its threads run; a backend
// sees the ends first. What Janus says later of these handles finds nothing here.
void StreamMapping::CloseSession(const Origin& origin, std::string_view info) {
  auto session = sessions_.find(origin.session);
  if (session == sessions_.end()) return;
  for (auto& [id, handle] : session->second) {
    Emit(handle.Close(info, origin.time));
    ForgetFeed(handle, id);
  }
  handle_count_ -= session->second.size();
  sessions_.erase(session);
  EmitSession(WcsEvent::Kind::kConnectionStatus, "DISCONNECTED", info, origin);
  EmitSession(WcsEvent::Kind::kCloseSession, "", "", origin);
}

void StreamMapping::MapHandle(const json_t* body, const Origin& origin) {
  std::string_view name = Text(body, "name");
  if (name == "attached") OpenHandle(body, origin);
  if (name != "detached") return;
  HandleLife* handle = Find(origin);
  if (handle == nullptr) return;
  Emit(handle->Close("handle detached", origin.time));
  ForgetFeed(*handle, origin.handle);
  sessions_[origin.session].erase(origin.handle);
  --handle_count_;
}

void StreamMapping::OpenHandle(const json_t* body, const Origin& origin) {
  std::string_view plugin = Text(body, "plugin");
  if (plugin != kVideoRoom && plugin != kStreaming) return;
  auto session = sessions_.find(origin.session);
  if (session == sessions_.end() || origin.handle == 0) return;
  if (handle_count_ >= options_.max_handles) {
    ++refused_;
    return;
  }
  auto id = [](int64_t value) { return std::to_string(static_cast<uint64_t>(value)); };
  bool added = session->second
                   .try_emplace(origin.handle, id(origin.session), id(origin.handle), options_.sdp)
                   .second;
  if (added) ++handle_count_;
}

void StreamMapping::MapJsep(const json_t* body, const Origin& origin) {
  HandleLife* handle = Find(origin);
  if (handle == nullptr || Text(body, "owner") != "remote") return;
  handle->SetRemoteSdp(Text(json_object_get(body, "jsep"), "sdp"));
}

void StreamMapping::MapWebrtc(const json_t* body, const Origin& origin) {
  HandleLife* handle = Find(origin);
  if (handle == nullptr) return;
  std::string_view connection = Text(body, "connection");
  if (connection == "webrtcup") Emit(handle->ConnectionIsUp(origin.time));
  if (connection == "hangup") Emit(handle->HangUp(ShortText(body, "reason"), origin.time));
}

void StreamMapping::MapPlugin(const json_t* body, const Origin& origin) {
  std::string_view plugin = Text(body, "plugin");
  const json_t* data = json_object_get(body, "data");
  if (plugin == kVideoRoom) MapRoom(data, origin);
  if (HandleLife* handle = Find(origin); plugin == kStreaming && handle != nullptr) {
    MapStreaming(data, *handle, origin);
  }
}

void StreamMapping::MapRoom(const json_t* data, const Origin& origin) {
  std::string_view what = Text(data, "event");
  if (what == "unpublished" || what == "leaving" || what == "kicked") {
    EndFeed(data, what, origin.time);
  } else if (HandleLife* handle = Find(origin); handle != nullptr) {
    MapParticipant(data, *handle, origin);
  }
}

void StreamMapping::MapParticipant(const json_t* data, HandleLife& handle, const Origin& origin) {
  std::string_view what = Text(data, "event");
  const json_t* streams = json_object_get(data, "streams");
  if (what == "joined") JoinRoom(data, handle, origin);
  if (what == "published") {
    JoinRoom(data, handle, origin);
    if (json_is_array(streams)) handle.SetMedia(MediaOfStreams(streams));
    Emit(handle.Publish(origin.time));
  }
  // Janus also reports "updated" with a publisher's handle when it means its subscribers; then
  // there is no feed id.
  if (what == "updated" && json_is_array(streams) && !Id(data, "id").empty()) {
    handle.SetMedia(MediaOfStreams(streams));
  }
  if (what == "subscribing") {
    handle.BecomeViewer(SubscriberName(data));
    Emit(handle.ViewerIsNamed(origin.time));
  }
  if (what == "unsubscribed") Emit(handle.End("", origin.time));
}

void StreamMapping::JoinRoom(const json_t* data, HandleLife& handle, const Origin& origin) {
  std::string feed = FeedKey(data);
  if (handle.feed() != feed) ForgetFeed(handle, origin.handle);
  feeds_[feed] = origin;
  handle.set_feed(std::move(feed));
  handle.BecomePublisher(PublisherName(data));
}

// These three name room and feed, but neither session nor handle.
void StreamMapping::EndFeed(const json_t* data, std::string_view what, int64_t time) {
  auto feed = feeds_.find(FeedKey(data));
  if (feed == feeds_.end()) return;
  if (HandleLife* handle = Find(feed->second); handle != nullptr) {
    Emit(handle->End(what == "kicked" ? "kicked" : "", time));
  }
  if (what != "unpublished") feeds_.erase(feed);
}

// A feed id that its participant left may be another participant's by now.
void StreamMapping::ForgetFeed(const HandleLife& handle, int64_t handle_id) {
  auto feed = feeds_.find(handle.feed());
  if (feed != feeds_.end() && feed->second.handle == handle_id) feeds_.erase(feed);
}

void StreamMapping::MapStreaming(const json_t* data, HandleLife& handle, const Origin& origin) {
  std::string_view status = Text(data, "status");
  if (status == "switching") Emit(handle.EndForSwitch(origin.time));
  if (status == "starting" || status == "switching") {
    handle.BecomeViewer(Id(data, "id"));
    Emit(handle.ViewerIsNamed(origin.time));
  }
  if (status == "pausing") Emit(handle.Pause(origin.time));
  if (status == "stopping") Emit(handle.End("", origin.time));
}

void StreamMapping::EmitSession(WcsEvent::Kind kind, std::string_view status, std::string_view info,
                                const Origin& origin) {
  if (!options_.sessions) return;
  WcsEvent event;
  event.kind = kind;
  event.session_id = std::to_string(static_cast<uint64_t>(origin.session));
  event.status = status;
  event.info = info;
  event.time_unix_us = origin.time;
  out_.push_back(std::move(event));
}

void StreamMapping::Emit(HandleLife::Change change) {
  if (change) out_.push_back(*std::move(change));
}

HandleLife* StreamMapping::Find(const Origin& origin) {
  auto session = sessions_.find(origin.session);
  if (session == sessions_.end()) return nullptr;
  auto handle = session->second.find(origin.handle);
  return handle == session->second.end() ? nullptr : &handle->second;
}

}  // namespace tallybus::janus
