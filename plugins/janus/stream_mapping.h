// Maps what Janus reports to WCS events. Pure: JSON in, events out; it knows neither Janus's core
// nor the bus, reads no clock and does no input or output.
#ifndef TALLYBUS_PLUGINS_JANUS_STREAM_MAPPING_H_
#define TALLYBUS_PLUGINS_JANUS_STREAM_MAPPING_H_

#include <jansson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "handle_life.h"
#include "wcs_event.h"

namespace tallybus::janus {

// Janus's numbers for the types of its events, which are bits of its event mask.
enum JanusEventType : int64_t {
  kSessionEvent = 1 << 0,
  kHandleEvent = 1 << 1,
  kJsepEvent = 1 << 3,
  kWebrtcEvent = 1 << 4,
  kMediaEvent = 1 << 5,
  kPluginEvent = 1 << 6,
};

struct MappingOptions {
  bool sessions = true;  // ConnectionStatusEvent, and the bus's own record of sessions
  bool streams = true;   // StreamStatusEvent
  bool sdp = false;      // stream events carry the last remote SDP
  bool surplus = false;  // sessions over max_sessions are told as such; else they are but counted
  size_t max_sessions = 100'000;
  size_t max_handles = 200'000;
};

// Whether the event may end a session, a handle or a stream: such a one must reach the mapping.
bool MayEnd(const json_t* event);

// The same, or it begins a session: where backends are asked about each, none may slip through.
bool MayBeginOrEnd(const json_t* event);

// Not thread-safe. It holds what is open in Janus and nothing of what is over.
class StreamMapping {
 public:
  explicit StreamMapping(MappingOptions options) : options_(options) {}

  // The event types that Janus should deliver.
  int64_t EventMask() const;

  // Takes one event of Janus, well formed or not, and returns what it means, in order.
  std::vector<WcsEvent> Map(const json_t* event);

  // Ends all that is live: Janus shuts down and will say no more.
  std::vector<WcsEvent> EndAll(std::string_view info, int64_t time_unix_us);

  size_t session_count() const { return sessions_.size(); }
  size_t handle_count() const { return handle_count_; }
  size_t feed_count() const { return feeds_.size(); }
  uint64_t refused() const { return refused_; }  // sessions and handles over the limits

 private:
  using Handles = std::unordered_map<int64_t, HandleLife>;
  struct Origin {
    int64_t session = 0;
    int64_t handle = 0;
    int64_t time = 0;
  };

  void MapSession(const json_t* body, const Origin& origin);
  void MapHandle(const json_t* body, const Origin& origin);
  void MapJsep(const json_t* body, const Origin& origin);
  void MapWebrtc(const json_t* body, const Origin& origin);
  void MapPlugin(const json_t* body, const Origin& origin);
  void MapRoom(const json_t* data, const Origin& origin);
  void MapParticipant(const json_t* data, HandleLife& handle, const Origin& origin);
  void MapStreaming(const json_t* data, HandleLife& handle, const Origin& origin);

  void OpenSession(const json_t* body, const Origin& origin);
  void CloseSession(const Origin& origin, std::string_view info);
  void OpenHandle(const json_t* body, const Origin& origin);
  void JoinRoom(const json_t* data, HandleLife& handle, const Origin& origin);
  void ForgetFeed(const HandleLife& handle, int64_t handle_id);
  void EndFeed(const json_t* data, std::string_view what, int64_t time);
  void EmitSession(WcsEvent::Kind kind, std::string_view status, std::string_view info,
                   const Origin& origin);
  void Emit(HandleLife::Change change);
  HandleLife* Find(const Origin& origin);

  const MappingOptions options_;
  std::unordered_map<int64_t, Handles> sessions_;
  std::unordered_map<std::string, Origin>
      feeds_;  // by room and feed: "unpublished" names no handle
  size_t handle_count_ = 0;
  uint64_t refused_ = 0;
  std::vector<WcsEvent> out_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_STREAM_MAPPING_H_
