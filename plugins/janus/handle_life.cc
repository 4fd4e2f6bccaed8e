// The life of one Janus handle as a stream.
#include "handle_life.h"

#include <utility>

namespace tallybus::janus {
namespace {

// An event of more than 1 MiB is refused by the bus, and an end must not be.
constexpr size_t kMaxSdpBytes = size_t{256} * 1024;

constexpr size_t kMaxDigits = 20;  // of 64 bits

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<HandleName> HandleOf(std::string_view media_session_id) {
  const size_t dash = media_session_id.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view session = media_session_id.substr(0, dash);
  const std::string_view rest = media_session_id.substr(dash + 1);
  const size_t second = rest.find('-');
  const std::string_view handle = rest.substr(0, second);
  if (!IsNumber(session) || !IsNumber(handle)) return std::nullopt;
  if (second != std::string_view::npos && !IsNumber(rest.substr(second + 1))) return std::nullopt;
  return HandleName{std::string(session), std::string(handle)};
}

HandleLife::HandleLife(std::string session_id, const std::string& handle_id, bool keep_sdp)
    : session_id_(std::move(session_id)),
      base_id_(session_id_ + "-" + handle_id),
      keep_sdp_(keep_sdp) {}

void HandleLife::BecomePublisher(std::string name) {
  role_ = Role::kPublisher;
  next_name_ = std::move(name);
}

void HandleLife::BecomeViewer(std::string name) {
  role_ = Role::kViewer;
  next_name_ = std::move(name);
}

void HandleLife::SetRemoteSdp(std::string_view sdp) {
  negotiated_ = true;
  media_ = MediaOfSdp(sdp);
  if (keep_sdp_) sdp_ = sdp.size() <= kMaxSdpBytes ? std::string(sdp) : std::string();
}

void HandleLife::TakeStatistics(const json_t* statistics) {
  bool receives = role_ == Role::kPublisher;
  bitrate_.Take(statistics, receives ? "bytes-received-lastsec" : "bytes-sent-lastsec");
}

HandleLife::Change HandleLife::Publish(int64_t time) {
  if (role_ != Role::kPublisher || live_) return std::nullopt;
  return Start("PUBLISHING", time);
}

HandleLife::Change HandleLife::ConnectionIsUp(int64_t time) {
  up_ = true;
  hangup_due_ = false;
  return ViewerIsNamed(time);
}

HandleLife::Change HandleLife::ViewerIsNamed(int64_t time) {
  if (role_ != Role::kViewer || !up_) return std::nullopt;
  if (live_ && !paused_) return std::nullopt;
  if (!live_) return Start("PLAYING", time);
  paused_ = false;
  return Status("PLAYING", "", time);
}

HandleLife::Change HandleLife::Pause(int64_t time) {
  if (role_ != Role::kViewer || !live_ || paused_) return std::nullopt;
  paused_ = true;
  return Status("PAUSED", "", time);
}

HandleLife::Change HandleLife::End(std::string_view info, int64_t time) {
  if (!live_) return std::nullopt;
  WcsEvent event = Status(role_ == Role::kPublisher ? "UNPUBLISHED" : "STOPPED", info, time);
  ++ended_;
  live_ = paused_ = negotiated_ = false;
  hangup_due_ = up_;
  up_ = false;
  return event;
}

HandleLife::Change HandleLife::EndForSwitch(int64_t time) {
  bool was_up = up_;
  Change end = End("switched", time);
  up_ = was_up;
  hangup_due_ = false;
  return end;
}

HandleLife::Change HandleLife::HangUp(std::string_view reason, int64_t time) {
  // The peer may already have offered its next connection: then this is still the old one's end.
  if (hangup_due_) {
    hangup_due_ = false;
    return std::nullopt;
  }
  Change change = live_ ? End(reason, time) : Fail(reason, time);
  up_ = hangup_due_ = false;
  return change;
}

HandleLife::Change HandleLife::Close(std::string_view info, int64_t time) {
  return live_ ? End(info, time) : Fail(info, time);
}

HandleLife::Change HandleLife::Start(std::string_view status, int64_t time) {
  live_ = true;
  paused_ = hangup_due_ = false;
  name_ = next_name_;
  bitrate_.Clear();
  return Status(status, "", time);
}

HandleLife::Change HandleLife::Fail(std::string_view reason, int64_t time) {
  if (!std::exchange(negotiated_, false) || role_ == Role::kUnknown) return std::nullopt;
  name_ = next_name_;
  bitrate_.Clear();
  WcsEvent event = Status("FAILED", reason, time);
  ++ended_;
  return event;
}

WcsEvent HandleLife::Status(std::string_view status, std::string_view info, int64_t time) const {
  WcsEvent event;
  event.kind = WcsEvent::Kind::kStreamStatus;
  event.session_id = session_id_;
  event.media_session_id = MediaSessionId();
  event.name = name_;
  event.published = role_ == Role::kPublisher;
  event.has_video = media_.video;
  event.has_audio = media_.audio;
  event.sdp = sdp_;
  event.bitrate = bitrate_.BitsPerSecond();
  event.status = status;
  event.info = info;
  event.time_unix_us = time;
  return event;
}

std::string HandleLife::MediaSessionId() const {
  return ended_ == 0 ? base_id_ : base_id_ + "-" + std::to_string(ended_ + 1);
}

}  // namespace tallybus::janus
