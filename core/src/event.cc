// What can be said of an event without looking into its JSON.
#include "tallybus/event.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "tallybus/stable_hash.h"

namespace tallybus {

std::string EventId::ToString() const {
  return absl::StrCat(absl::Hex(epoch, absl::kZeroPad16), "-", sequence);
}

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
  if (method == kStreamStatusEvent) {
    return status == "UNPUBLISHED" || status == "STOPPED" || status == "FAILED";
  }
  if (method == kConnectionStatusEvent) return status == "DISCONNECTED" || status == "FAILED";
  if (method == "CallStatusEvent") return status == "FINISH" || status == "FAILED";
  if (method == "TransferStatusEvent") return status == "COMPLETED" || status == "FAILED";
  return method == "RegistrationStatusEvent" && status == "UNREGISTERED";
}

namespace {

constexpr size_t kLongestKey = 256;

// Lanes are remembered for hours: a long key is kept by its beginning and 128 bits of hash.
void Bound(std::string* key) {
  if (key->size() <= kLongestKey) return;
  const uint64_t first = StableHash(*key);
  const uint64_t second = StableHash(*key, first);
  key->resize(kLongestKey - 33);
  absl::StrAppendFormat(key, "~%016x%016x", first, second);
}

void AppendStreamKey(const Event& event, std::string* key) {
  if (event.published && !event.name.empty()) {
    key->append(event.app_key).push_back('/');
    key->append(event.name);
  } else if (!event.media_session_id.empty()) {
    key->append(event.media_session_id);
  } else if (!event.session_id.empty()) {
    key->append(event.session_id);
  } else {
    key->append(event.app_key).push_back('/');
  }
  Bound(key);
}

}  // namespace

void SetLaneKey(const Event& event, std::string* key) {
  key->clear();
  if (event.method == kStreamKeepAliveEvent) key->append(kStreamKeepAliveEvent).push_back('/');
  AppendStreamKey(event, key);
}

std::string LaneKey(const Event& event) {
  std::string key;
  SetLaneKey(event, &key);
  return key;
}

std::string ClientOrderKey(const Event& event) {
  std::string key;
  AppendStreamKey(event, &key);
  return key;
}

// Most times of a thread are of the same second as the one before.
std::string Rfc3339Millis(absl::Time time) {
  static thread_local int64_t last_second = std::numeric_limits<int64_t>::min();
  static thread_local std::string last_text;
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) {
    return absl::FormatTime("%Y", time, absl::UTCTimeZone());
  }
  const int64_t second = absl::ToUnixSeconds(time);
  if (second != last_second) {
    last_text = absl::FormatTime("%Y-%m-%dT%H:%M:%S", time, absl::UTCTimeZone());
    last_second = second;
  }
  const auto ms = static_cast<int>(absl::ToInt64Milliseconds(time - absl::FromUnixSeconds(second)));
  const char tail[] = {'.', static_cast<char>('0' + ms / 100),
                       static_cast<char>('0' + ms / 10 % 10), static_cast<char>('0' + ms % 10),
                       'Z'};
  std::string text;
  text.reserve(last_text.size() + sizeof tail);
  return text.append(last_text).append(tail, sizeof tail);
}

}  // namespace tallybus
