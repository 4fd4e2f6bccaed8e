// Which media a stream carries, from the three places where Janus tells, and how much of it flows.
#ifndef TALLYBUS_PLUGINS_JANUS_MEDIA_H_
#define TALLYBUS_PLUGINS_JANUS_MEDIA_H_

#include <jansson.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tallybus::janus {

struct Media {
  bool video = false;
  bool audio = false;
};

// The sections of an SDP that are neither refused (port 0) nor inactive.
Media MediaOfSdp(std::string_view sdp);

// The "streams" of a video room's "published" event, but for the disabled ones.
Media MediaOfStreams(const json_t* streams);

// The bitrate of one handle: Janus tells the last second of each medium apart.
class Bitrate {
 public:
  // One statistics event, or the array of them that combine_media_stats makes. member is
  // "bytes-received-lastsec" or "bytes-sent-lastsec".
  void Take(const json_t* statistics, const char* member);
  void Clear() { bytes_.clear(); }
  int32_t BitsPerSecond() const;

 private:
  void TakeOne(const json_t* statistics, const char* member);

  std::map<std::string, int64_t> bytes_;  // by mid and medium, such as "1/video-sim1"
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_MEDIA_H_
