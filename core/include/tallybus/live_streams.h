// What a client is told first: the streams that live now.
#ifndef TALLYBUS_LIVE_STREAMS_H_
#define TALLYBUS_LIVE_STREAMS_H_

#include <cstddef>
#include <string>
#include <vector>

namespace tallybus {

// A stream fits where its session, its name or its app is listed, and no other app bounds it.
struct LiveFilter {
  std::vector<std::string> sessions = {};
  std::vector<std::string> streams = {};
  std::vector<std::string> apps = {};
  std::string within_app = {};  // not empty: a stream of another app does not fit
  size_t most_streams = 10'000;
  size_t most_bytes = size_t{8} << 20;
};

// Of all answers that are found in one walk, together; one alone may be larger.
inline constexpr size_t kMostLiveBytes = size_t{16} << 20;

struct LiveStreams {
  // StreamStatusEvent objects, without sdp and without what the session's clientExclude names. Each
  // is the one with which the stream came into its status.
  std::vector<std::string> json;
  bool cut = false;  // there are more than the filter allows
  // There was no room for it beside the answers to the filters before it: nothing is told here, and
  // it is to be asked again. The first filter is always answered.
  bool postponed = false;
};

}  // namespace tallybus

#endif  // TALLYBUS_LIVE_STREAMS_H_
