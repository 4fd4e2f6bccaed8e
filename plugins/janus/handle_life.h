// The life of one Janus handle as a stream: what it publishes or plays, one media session after
// another, each with exactly one end.
#ifndef TALLYBUS_PLUGINS_JANUS_HANDLE_LIFE_H_
#define TALLYBUS_PLUGINS_JANUS_HANDLE_LIFE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "media.h"
#include "wcs_event.h"

namespace tallybus::janus {

// Which handle of Janus a media session is of.
struct HandleName {
  std::string session_id;
  std::string handle_id;
};

// Reads "<session>-<handle>" or "<session>-<handle>-<n>", all in decimal; nothing where it is no
// such id.
std::optional<HandleName> HandleOf(std::string_view media_session_id);

// Every call that changes what a backend should know returns that event; the others nothing.
// Janus repeats itself ("unpublished" comes up to three times, a hang-up follows), so a call that
// changes nothing is silent.
class HandleLife {
 public:
  using Change = std::optional<WcsEvent>;

  // keep_sdp: whether events carry the last remote SDP.
  HandleLife(std::string session_id, const std::string& handle_id, bool keep_sdp);

  // What the handle is, and the name that its next media session will have.
  void BecomePublisher(std::string name);
  void BecomeViewer(std::string name);

  // The peer sent an offer or an answer: from here a hang-up means that something failed.
  void SetRemoteSdp(std::string_view sdp);
  void TakeStatistics(const json_t* statistics);
  // What a "published" or "updated" event lists; wins over the SDP.
  void SetMedia(Media media) { media_ = media; }

  Change Publish(int64_t time);         // "published"
  Change ConnectionIsUp(int64_t time);  // "webrtcup": a viewer plays
  Change ViewerIsNamed(int64_t time);   // after BecomeViewer: it may be up already, or paused
  Change Pause(int64_t time);           // a streaming viewer's "pausing"
  Change End(std::string_view info, int64_t time);  // unpublished, left, stopped
  Change HangUp(std::string_view reason, int64_t time);
  Change Close(std::string_view info, int64_t time);  // the handle itself is gone
  // A streaming viewer goes to another mountpoint over the same connection.
  Change EndForSwitch(int64_t time);

  // Where the room's index finds this handle; the mapping's.
  const std::string& feed() const { return feed_; }
  void set_feed(std::string feed) { feed_ = std::move(feed); }

 private:
  enum class Role { kUnknown, kPublisher, kViewer };

  Change Start(std::string_view status, int64_t time);
  Change Fail(std::string_view reason, int64_t time);
  WcsEvent Status(std::string_view status, std::string_view info, int64_t time) const;
  std::string MediaSessionId() const;

  const std::string session_id_;
  const std::string base_id_;  // "<session>-<handle>"
  const bool keep_sdp_;
  Role role_ = Role::kUnknown;
  std::string next_name_;
  std::string name_;  // of the live stream: a name that changes meanwhile must not split its lane
  std::string feed_;
  std::string sdp_;
  Media media_;
  Bitrate bitrate_;
  size_t ended_ = 0;         // media sessions of this handle that are over
  bool negotiated_ = false;  // a peer connection is wanted and has not ended
  bool up_ = false;
  bool hangup_due_ = false;  // the stream ended first; its connection's hang-up is still to come
  bool live_ = false;
  bool paused_ = false;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_HANDLE_LIFE_H_
