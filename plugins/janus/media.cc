// Which media a stream carries and how much of it flows.
#include "media.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "event_json.h"

namespace tallybus::janus {
namespace {

constexpr size_t kMaxMedia = 64;  // of one handle; a peer chooses how many sections it offers

struct Section {
  bool* wanted = nullptr;  // the flag of its kind; none for data and whatever comes
  bool active = false;
};

void Close(const Section& section) {
  if (section.wanted != nullptr && section.active) *section.wanted = true;
}

// "m=video 9 UDP/TLS/RTP/SAVPF 96": a port of 0 refuses the section.
Section Open(std::string_view line, Media& media) {
  Section section;
  if (line.starts_with("m=video ")) section.wanted = &media.video;
  if (line.starts_with("m=audio ")) section.wanted = &media.audio;
  constexpr size_t kKindSize = 8;
  section.active = section.wanted != nullptr && !line.substr(kKindSize).starts_with("0 ");
  return section;
}

std::string_view TakeLine(std::string_view& text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Media MediaOfSdp(std::string_view sdp) {
  Media media;
  Section section;
  while (!sdp.empty()) {
    std::string_view line = TakeLine(sdp);
    if (line.starts_with("m=")) {
      Close(section);
      section = Open(line, media);
    } else if (line == "a=inactive") {
      section.active = false;
    }
  }
  Close(section);
  return media;
}

Media MediaOfStreams(const json_t* streams) {
  Media media;
  for (size_t i = 0; i < json_array_size(streams); ++i) {
    const json_t* stream = json_array_get(streams, i);
    if (json_is_true(json_object_get(stream, "disabled"))) continue;
    std::string_view type = Text(stream, "type");
    if (type == "video") media.video = true;
    if (type == "audio") media.audio = true;
  }
  return media;
}

void Bitrate::Take(const json_t* statistics, const char* member) {
  if (!json_is_array(statistics)) return TakeOne(statistics, member);
  for (size_t i = 0; i < json_array_size(statistics); ++i) {
    TakeOne(json_array_get(statistics, i), member);
  }
}

void Bitrate::TakeOne(const json_t* statistics, const char* member) {
  if (!json_is_integer(json_object_get(statistics, member))) return;
  std::string medium = ShortText(statistics, "mid") + "/" + ShortText(statistics, "media");
  auto found = bytes_.find(medium);
  if (found == bytes_.end()) {
    if (bytes_.size() >= kMaxMedia) return;
    found = bytes_.emplace(std::move(medium), 0).first;
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  found->second = std::clamp<int64_t>(Integer(statistics, member), 0, kMost);
}

int32_t Bitrate::BitsPerSecond() const {
  int64_t bits = 0;
  for (const auto& [medium, bytes] : bytes_) bits += bytes * 8;
  return static_cast<int32_t>(std::min<int64_t>(bits, std::numeric_limits<int32_t>::max()));
}

}  // namespace tallybus::janus
