// Objects with the fields that Web Call Server documents, in its order.
#include "apps/explanation/sample_events.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <sys/random.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "apps/explanation/input_file.h"
#include "apps/tallybusd/config/spelling.h"
#include "tallybus/codec.h"
#include "tallybus/error_event.h"

namespace tallybus {
namespace {

constexpr char kOwnRoute[] = "defaultApp/backend";

// What the event of a method says beside who it is of; of some nothing.
constexpr std::pair<std::string_view, std::string_view> kMethods[] = {
    {kStreamStatusEvent, ""},
    {kStreamKeepAliveEvent, ""},
    {kConnectionStatusEvent, "ESTABLISHED"},
    {kErrorEvent, ""},
    {kAlertEvent, ""},
    {kTestEvent, ""},
    {kConnect, ""},
    {"BugReportStatusEvent", ""},
    {"CallStatusEvent", "ESTABLISHED"},
    {"DataStatusEvent", "ACCEPTED"},
    {"MessageStatusEvent", ""},
    {"OnDataEvent", ""},
    {"RecordingStatusEvent", ""},
    {"RegistrationStatusEvent", "REGISTERED"},
    {"SessionDebugEvent", ""},
    {"SessionDebugStatusEvent", "STARTED"},
    {"StreamEvent", ""},
    {"SubscriptionStatusEvent", ""},
    {"TransferEvent", ""},
    {"TransferStatusEvent", "COMPLETED"},
    {"XcapStatusEvent", ""}};

bool IsOfRouter(std::string_view method) {
  return method == kErrorEvent || method == kAlertEvent || method == kTestEvent ||
         method == kStreamKeepAliveEvent;
}

absl::Status UnknownMethod(const std::string& what) {
  std::vector<std::string_view> known = {"lifecycle"};
  for (const auto& [method, status] : kMethods) known.push_back(method);
  return absl::InvalidArgumentError(
      absl::StrCat("'", EscapedPrefix(what, 64), "' is neither a file nor a known method; ",
                   config::Suggest(what, known), "; an event of another method comes in a file"));
}

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
  event->from_router = IsOfRouter(method);
  return Placed(*std::move(event));
}

// What goes outside of all lanes has no number.
Sample SampleEvents::Placed(Event event) {
  Sample sample;
  sample.event = std::move(event);
  sample.event.id = {.epoch = epoch_, .sequence = ++last_};
  sample.is_call = sample.event.method == kConnect;
  if (sample.is_call) {
    sample.lane = sample.event.session_id;
  } else if (sample.event.method == kTestEvent) {
    sample.lane = "test";
  } else {
    sample.lane = LaneKey(sample.event);
    sample.lane_sequence = ++sequences_[sample.lane];
  }
  return sample;
}

// Of a stream's event that the backend did not take.
Event SampleEvents::Error() {
  const Event cause = Stream(true, "PUBLISHING").event;
  return MakeErrorEvent(cause,
                        {.route = kOwnRoute,
                         .http_status = 500,
                         .info = "Internal Server Error",
                         .attempt = 1,
                         .final = true},
                        now_);
}

Event SampleEvents::Alert() const {
  Event event;
  event.time = now_;
  event.method = kAlertEvent;
  event.node_id = node_;
  event.status = "FIRING";
  event.from_router = true;
  event.json =
      absl::StrCat("{\"nodeId\":", JsonString(node_),
                   R"(,"alert":"EndpointHeld","status":"FIRING","severity":"critical","subject":")",
                   kOwnRoute, R"(","since":")", Rfc3339Millis(now_), R"(","waiting":1,"text":")",
                   "the endpoint refuses our credentials (answer 401); its events wait",
                   R"(","runbook":"docs/operations.md#endpointheld"})");
  return event;
}

Event SampleEvents::Test() const {
  Event event;
  event.time = now_;
  event.method = kTestEvent;
  event.node_id = node_;
  event.from_router = true;
  event.json = absl::StrCat("{\"nodeId\":", JsonString(node_), R"(,"route":")", kOwnRoute,
                            R"(","test":true,"time":")", Rfc3339Millis(now_), "\"}");
  return event;
}

// The members that each sample begins with.
std::string SampleEvents::Head() const {
  return absl::StrCat("{\"nodeId\":", JsonString(node_),
                      R"(,"appKey":"defaultApp","sessionId":"trigger-)", stream_, "\"");
}

Sample SampleEvents::Stream(bool published, std::string_view status, std::string_view method) {
  const absl::string_view word(status.data(), status.size());
  const std::string json = absl::StrCat(
      Head(), R"(,"mediaSessionId":"trigger-)", stream_, published ? "-publisher" : "-viewer",
      R"(","name":"trigger-)", stream_, R"(","published":)", published ? "true" : "false",
      R"(,"hasVideo":true,"hasAudio":true,"status":")", word,
      R"(","sdp":"v=0\r\n","record":false,"width":1280,"height":720,)"
      R"("bitrate":2000000,"quality":0,"mediaProvider":"WebRTC"})");
  return *Of(method, json);
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
  if (method == kErrorEvent) return Placed(Error());
  if (method == kAlertEvent) return Placed(Alert());
  if (method == kTestEvent) return Placed(Test());
  if (method == kStreamStatusEvent || method == kStreamKeepAliveEvent) {
    return Stream(true, "PUBLISHING", method);
  }
  const auto* const known = std::find_if(std::begin(kMethods), std::end(kMethods),
                                         [&](const auto& each) { return each.first == method; });
  if (known == std::end(kMethods)) return UnknownMethod(method);
  std::string json = Head();
  if (!known->second.empty()) json.append(R"(,"status":")").append(known->second).append("\"");
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
