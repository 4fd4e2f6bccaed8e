// fixed_paths PATH: runs one of the paths under callgrind, and prints how many events were counted.
#include "tests/bench/fixed_paths.h"

#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "tallybus/codec.h"
#include "tallybus/policy.h"
#include "tests/bench/sample_event.h"
#include "tests/support/scratch_directory.h"

// For --toggle-collect: what the calling thread does in here.
extern "C" __attribute__((noinline)) void tallybus_fixed_path(const std::function<void()>& turn) {
  turn();
}

namespace tallybus::bench {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fixed_paths: %s\n", what);
  std::exit(1);
}

void Count(size_t events, const std::function<void()>& turn) {
  turn();
  CALLGRIND_START_INSTRUMENTATION;
  tallybus_fixed_path(turn);
  CALLGRIND_STOP_INSTRUMENTATION;
  std::printf("%zu\n", events);
}

std::string SampleJson(bool with_sdp) {
  const std::string sdp = with_sdp ? SampleSdp() : ".....";
  std::string escaped;
  for (char c : sdp) escaped += c == '\r' ? "\\r" : c == '\n' ? "\\n" : std::string(1, c);
  return R"({"nodeId":"Qb1oV4dNYCnH5gV9lM2XcVHAzhWrZmbO@192.168.1.101","appKey":"defaultApp",)"
         R"("sessionId":"/192.168.1.102:4388/192.168.1.101:8443","mediaSessionId":)"
         R"("56141d10-fddc-11e6-ac3a-4d67d5b3360d","name":"b4e7","published":true,)"
         R"("hasVideo":true,"hasAudio":true,"status":"PUBLISHING","sdp":")" +
         escaped + R"(","record":false,"width":0,"height":0,"bitrate":0,"quality":0,)" +
         R"("mediaProvider":"WebRTC"})";
}

// Into a ring that is large enough; no router is there, so the library's own thread sleeps.
void Publish() {
  constexpr size_t kEvents = 5'000;
  const testing::ScratchDirectory folder;
  const std::string endpoint = "ipc://" + folder.path() + "/nobody.sock";
  tallybus_publisher_options options = {};
  options.struct_size = sizeof options;
  options.endpoint = BytesOf(endpoint.c_str());
  options.node_id = BytesOf("node-1");
  options.ring_bytes = uint64_t{64} << 20;
  tallybus_publisher* publisher = nullptr;
  Require(tallybus_publisher_open(&options, &publisher) == TALLYBUS_OK, "no publisher");
  const tallybus_stream_status event = SampleEvent();
  Count(kEvents, [&] {
    for (size_t i = 0; i < kEvents; ++i) {
      Require(tallybus_publish_stream_status(publisher, &event) == TALLYBUS_OK, "the ring is full");
    }
  });
  tallybus_publisher_close(publisher, 0);
}

// Read as it comes on the open bus, and cut for a backend that wants no sdp.
void Json() {
  constexpr size_t kEvents = 1'000;
  const std::string json[] = {SampleJson(false), SampleJson(true)};
  const auto sdp = std::make_shared<const FieldSet>(FieldSet{"sdp"});
  EventDefaults defaults;
  defaults.node_id = "node-1";
  defaults.now = absl::FromUnixSeconds(1'700'000'000);
  Count(kEvents, [&] {
    for (size_t i = 0; i < kEvents; ++i) {
      absl::StatusOr<Event> event = EventFromJson(kStreamStatusEvent, json[i % 2], defaults);
      Require(event.ok() && event->name == "b4e7", "the event is not read");
      Require(WithoutFields(event->json, sdp).size() < event->json.size(), "the sdp is not cut");
    }
  });
}

}  // namespace tallybus::bench

int main(int argc, char** argv) {
  using namespace tallybus::bench;
  const std::map<std::string_view, void (*)()> paths = {
      {"publish", Publish},
      {"decode and decide", DecodeAndDecide},
      {"decode and decide, with an sdp", DecodeAndDecideSdp},
      {"json", Json},
      {"spool", AppendAndSettle},
      {"client frame, nobody listens", TellNobody},
      {"client frame, with a subscriber", TellSubscriber}};
  const auto path = argc == 2 ? paths.find(argv[1]) : paths.end();
  Require(path != paths.end(), "usage: fixed_paths PATH, one of instructions.json");
  path->second();
  return 0;
}
