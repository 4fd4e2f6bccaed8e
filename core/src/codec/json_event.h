// The parts of reading a JSON event that the envelope codec shares.
#ifndef TALLYBUS_CODEC_JSON_EVENT_H_
#define TALLYBUS_CODEC_JSON_EVENT_H_

#include <absl/status/status.h>

#include <string_view>

#include "tallybus/codec.h"
#include "tallybus/event.h"

namespace tallybus {

// Sets the body and what routing needs from `json`. Ids that *event already has win for routing.
absl::Status FinishJsonEvent(std::string_view json, const EventDefaults& defaults, Event* event);

// Gives nodeId and appKey their defaults.
void FillIds(const EventDefaults& defaults, Event* event);

// Ids, name and status become keys of tables that outlive the event: 4 KiB each.
inline constexpr size_t kMaxIdBytes = 4096;
absl::Status CheckIds(const Event& event);

absl::Status MalformedMethod(std::string_view method);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_JSON_EVENT_H_
