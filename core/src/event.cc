// What can be said of an event without looking into its JSON.
#include "tallybus/event.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tallybus {

std::string EventId::ToString() const { return absl::StrFormat("%016x-%d", epoch, sequence); }

size_t Event::MemoryBytes() const {
  return sizeof(Event) + method.size() + node_id.size() + app_key.size() + session_id.size() +
         media_session_id.size() + name.size() + status.size() + json.size();
}

bool IsValidMethod(std::string_view method) {
  if (method.empty() || method.size() > 64 || !absl::ascii_isalpha(method[0])) return false;
  return std::all_of(method.begin(), method.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
  });
}

bool IsTerminalStatus(std::string_view method, std::string_view status) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Pair, 10> kTerminal = {{
      {"StreamStatusEvent", "UNPUBLISHED"},
      {"StreamStatusEvent", "STOPPED"},
      {"StreamStatusEvent", "FAILED"},
      {"ConnectionStatusEvent", "DISCONNECTED"},
      {"ConnectionStatusEvent", "FAILED"},
      {"CallStatusEvent", "FINISH"},
      {"CallStatusEvent", "FAILED"},
      {"TransferStatusEvent", "COMPLETED"},
      {"TransferStatusEvent", "FAILED"},
      {"RegistrationStatusEvent", "UNREGISTERED"},
  }};
  return std::find(kTerminal.begin(), kTerminal.end(), Pair(method, status)) != kTerminal.end();
}

namespace {

constexpr size_t kLongestKey = 256;

uint64_t Fnv1a(std::string_view text, uint64_t hash) {
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

// Lanes are remembered for hours: a long key is kept by its beginning and 128 bits of hash.
std::string Bounded(std::string key) {
  if (key.size() <= kLongestKey) return key;
  const uint64_t first = Fnv1a(key, 0xcbf29ce484222325);
  const uint64_t second = Fnv1a(key, first);
  return absl::StrFormat("%s~%016x%016x", key.substr(0, kLongestKey - 33), first, second);
}

std::string WholeLaneKey(const Event& event) {
  std::string key;
  if (event.method == kStreamKeepAliveEvent) key = std::string(kStreamKeepAliveEvent) + "/";
  if (event.published && !event.name.empty()) return key + event.app_key + "/" + event.name;
  if (!event.media_session_id.empty()) return key + event.media_session_id;
  if (!event.session_id.empty()) return key + event.session_id;
  return key + event.app_key + "/";
}

}  // namespace

std::string LaneKey(const Event& event) { return Bounded(WholeLaneKey(event)); }

std::string Rfc3339Millis(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace tallybus
