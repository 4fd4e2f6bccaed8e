// Objects with the fields that Web Call Server documents, in its order.
#include "apps/tallybus/sample_events.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <sys/random.h>

#include <fstream>
#include <utility>

#include "apps/tallybus/input_file.h"
#include "tallybus/codec.h"

namespace tallybus::cli {
namespace {

constexpr char kNode[] = "tallybus-trigger";

// What the event of a method says beside who it is of; of another method nothing.
const std::map<std::string, std::string, std::less<>> kStatuses = {
    {"StreamKeepAliveEvent", "PUBLISHING"},    {"ConnectionStatusEvent", "ESTABLISHED"},
    {"RegistrationStatusEvent", "REGISTERED"}, {"CallStatusEvent", "ESTABLISHED"},
    {"TransferStatusEvent", "COMPLETED"},      {"DataStatusEvent", "ACCEPTED"},
    {"SessionDebugStatusEvent", "STARTED"}};

uint64_t RandomEpoch() {
  uint64_t epoch = 0;
  while (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch)) {
  }
  return epoch;
}

bool IsFile(const std::string& what) {
  return what == "-" || what.find('/') != what.npos || what.ends_with(".json") ||
         std::ifstream(what).is_open();
}

}  // namespace

SampleEvents::SampleEvents(absl::Time now)
    : now_(now), epoch_(RandomEpoch()), stream_(absl::StrCat(absl::Hex(epoch_ & 0xffff))) {}

Sample SampleEvents::Of(std::string_view method, std::string_view json) {
  EventDefaults defaults;
  defaults.node_id = kNode;
  defaults.now = now_;
  Sample sample;
  sample.event = *EventFromJson(method, json, defaults);
  sample.event.id = {.epoch = epoch_, .sequence = ++last_};
  sample.lane = LaneKey(sample.event);
  sample.lane_sequence = ++sequences_[sample.lane];
  return sample;
}

Sample SampleEvents::Stream(bool published, std::string_view status) {
  const absl::string_view word(status.data(), status.size());
  return Of(
      kStreamStatusEvent,
      absl::StrCat(R"({"nodeId":")", kNode, R"(","appKey":"defaultApp","sessionId":"trigger-)",
                   stream_, R"(","mediaSessionId":"trigger-)", stream_,
                   published ? "-publisher" : "-viewer", R"(","name":"trigger-)", stream_,
                   R"(","published":)", published ? "true" : "false",
                   R"(,"hasVideo":true,"hasAudio":true,"status":")", word,
                   R"(","sdp":"v=0\r\n","record":false,"width":1280,"height":720,)"
                   R"("bitrate":2000000,"quality":0,"mediaProvider":"WebRTC"})"));
}

std::vector<Sample> SampleEvents::Lifecycle() {
  const std::string session =
      absl::StrCat(R"({"nodeId":")", kNode, R"(","appKey":"defaultApp","sessionId":"trigger-)",
                   stream_, R"(","status":")");
  std::vector<Sample> life;
  life.push_back(Of(kConnectionStatusEvent, session + R"(ESTABLISHED"})"));
  for (const char* status : {"PENDING", "PUBLISHING"}) life.push_back(Stream(true, status));
  for (const char* status : {"PENDING", "PLAYING", "STOPPED"}) {
    life.push_back(Stream(false, status));
  }
  life.push_back(Stream(true, "UNPUBLISHED"));
  life.push_back(Of(kConnectionStatusEvent, session + R"(DISCONNECTED"})"));
  return life;
}

std::vector<Sample> SampleEvents::NewStream() {
  stream_ = absl::StrCat(absl::Hex(epoch_ & 0xffff), "-", last_);
  std::vector<Sample> stream;
  for (const char* status : {"PENDING", "PUBLISHING"}) stream.push_back(Stream(true, status));
  return stream;
}

absl::StatusOr<std::vector<Sample>> SampleEvents::OfObject(const std::string& method,
                                                           const std::string& json) {
  EventDefaults defaults;
  defaults.now = now_;
  if (auto event = EventFromJson(method, json, defaults); !event.ok()) return event.status();
  return std::vector<Sample>{Of(method, json)};
}

absl::StatusOr<std::vector<Sample>> SampleEvents::Make(const std::string& what,
                                                       const std::string& method) {
  if (what == "lifecycle") return Lifecycle();
  if (!IsFile(what)) {
    if (what == kStreamStatusEvent) return std::vector<Sample>{Stream(true, "PUBLISHING")};
    const auto status = kStatuses.find(what);
    return OfObject(what, absl::StrCat(R"({"nodeId":")", kNode,
                                       R"(","appKey":"defaultApp","sessionId":"trigger-)", stream_,
                                       status == kStatuses.end() ? "" : R"(","status":")",
                                       status == kStatuses.end() ? "" : status->second, "\"}"));
  }
  absl::StatusOr<std::string> text = ReadInput(what);
  if (!text.ok()) return text.status();
  auto samples = OfObject(method, std::string(absl::StripAsciiWhitespace(*text)));
  if (samples.ok()) return samples;
  return absl::InvalidArgumentError(absl::StrCat("'", what, "': ", samples.status().message()));
}

}  // namespace tallybus::cli
