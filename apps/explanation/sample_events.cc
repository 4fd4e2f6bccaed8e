// Objects with the fields that Web Call Server documents, in its order.
#include "apps/explanation/sample_events.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <sys/random.h>

#include <fstream>
#include <utility>

#include "apps/explanation/input_file.h"
#include "tallybus/codec.h"

namespace tallybus {
namespace {

// What the event of a method says beside who it is of; of another method nothing.
constexpr std::pair<std::string_view, std::string_view> kStatuses[] = {
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

SampleEvents::SampleEvents(absl::Time now, std::string node)
    : now_(now),
      node_(std::move(node)),
      epoch_(RandomEpoch()),
      stream_(absl::StrCat(absl::Hex(epoch_ & 0xffff))) {}

absl::StatusOr<Sample> SampleEvents::Of(std::string_view method, std::string_view json) {
  EventDefaults defaults;
  defaults.node_id = node_;
  defaults.now = now_;
  absl::StatusOr<Event> event = EventFromJson(method, json, defaults);
  if (!event.ok()) return event.status();
  Sample sample;
  sample.event = *std::move(event);
  sample.event.id = {.epoch = epoch_, .sequence = ++last_};
  sample.lane = LaneKey(sample.event);
  sample.lane_sequence = ++sequences_[sample.lane];
  return sample;
}

// The members that each sample begins with.
std::string SampleEvents::Head() const {
  return absl::StrCat("{\"nodeId\":", JsonString(node_),
                      R"(,"appKey":"defaultApp","sessionId":"trigger-)", stream_, "\"");
}

Sample SampleEvents::Stream(bool published, std::string_view status) {
  const absl::string_view word(status.data(), status.size());
  const std::string json = absl::StrCat(
      Head(), R"(,"mediaSessionId":"trigger-)", stream_, published ? "-publisher" : "-viewer",
      R"(","name":"trigger-)", stream_, R"(","published":)", published ? "true" : "false",
      R"(,"hasVideo":true,"hasAudio":true,"status":")", word,
      R"(","sdp":"v=0\r\n","record":false,"width":1280,"height":720,)"
      R"("bitrate":2000000,"quality":0,"mediaProvider":"WebRTC"})");
  return *Of(kStreamStatusEvent, json);
}

std::vector<Sample> SampleEvents::Lifecycle() {
  std::vector<Sample> life;
  life.push_back(*Of(kConnectionStatusEvent, Head() + R"(,"status":"ESTABLISHED"})"));
  for (const char* status : {"PENDING", "PUBLISHING"}) life.push_back(Stream(true, status));
  for (const char* status : {"PENDING", "PLAYING", "STOPPED"}) {
    life.push_back(Stream(false, status));
  }
  life.push_back(Stream(true, "UNPUBLISHED"));
  life.push_back(*Of(kConnectionStatusEvent, Head() + R"(,"status":"DISCONNECTED"})"));
  return life;
}

std::vector<Sample> SampleEvents::NewStream() {
  stream_ = absl::StrCat(absl::Hex(epoch_ & 0xffff), "-", last_);
  std::vector<Sample> stream;
  for (const char* status : {"PENDING", "PUBLISHING"}) stream.push_back(Stream(true, status));
  return stream;
}

absl::StatusOr<Sample> SampleEvents::OfMethod(const std::string& method) {
  if (method == kStreamStatusEvent) return Stream(true, "PUBLISHING");
  std::string json = Head();
  for (const auto& [of, status] : kStatuses) {
    if (of == method) json.append(R"(,"status":")").append(status).append("\"");
  }
  return Of(method, json + "}");
}

absl::StatusOr<Sample> SampleEvents::OfFile(const std::string& path, const std::string& method) {
  absl::StatusOr<std::string> text = ReadInput(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<Sample> sample = Of(method, std::string(absl::StripAsciiWhitespace(*text)));
  if (sample.ok()) return sample;
  return absl::InvalidArgumentError(absl::StrCat("'", path, "': ", sample.status().message()));
}

absl::StatusOr<std::vector<Sample>> SampleEvents::Make(const std::string& what,
                                                       const std::string& method) {
  if (what == "lifecycle") return Lifecycle();
  absl::StatusOr<Sample> sample = IsFile(what) ? OfFile(what, method) : OfMethod(what);
  if (!sample.ok()) return sample.status();
  return std::vector<Sample>{*std::move(sample)};
}

}  // namespace tallybus
