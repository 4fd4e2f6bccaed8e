// Publishes N events as fast as the router takes them, over LANES stream names, and prints how many
// a second it acknowledged: bus_load ENDPOINT N LANES [APP [BYTES [APPS]]]
// With BYTES (not 0) each is that long as JSON, and the last one of each stream ends it, so that
// the router has no ends of its own to tell and N events are N. With APPS they go round APP-0,
// APP-1, ...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "sample_event.h"

namespace {

// What the sample event is as JSON, its SDP left out, with a nodeId of two bytes, the appKey
// defaultApp and a name of nine.
constexpr size_t kBytesWithoutSdp = 330;

// The router adds to a JSON object: "appKey":"defaultApp",
constexpr size_t kAppKeyBytes = 22;

// Less than the fields of a stream's event take is published as a JSON object.
std::string SmallJson(const std::string& name, const char* status, size_t bytes) {
  std::string json = R"({"nodeId":"n1","mediaSessionId":")" + name.substr(name.size() - 2) +
                     R"(","status":")" + status + R"(","sdp":")";
  json.append(bytes - std::min(bytes, json.size() + 2 + kAppKeyBytes), '.');
  return json + "\"}";
}

tallybus_status Publish(tallybus_publisher* publisher, tallybus_stream_status event,
                        const std::string& name, bool last, size_t bytes) {
  // The sample's media session, its last two characters the stream's own.
  std::string media(event.media_session_id.data, event.media_session_id.size - 2);
  media += name.substr(name.size() - 2);
  event.name = BytesOf(name.c_str());
  event.media_session_id = BytesOf(media.c_str());
  if (bytes > 0 && last) event.status = BytesOf("UNPUBLISHED");
  if (bytes == 0 || bytes >= kBytesWithoutSdp) {
    return tallybus_publish_stream_status(publisher, &event);
  }
  const std::string json = SmallJson(name, event.status.data, bytes);
  tallybus_json_event small = {};
  small.struct_size = sizeof small;
  small.method = BytesOf("StreamStatusEvent");
  small.json = {json.data(), json.size()};
  if (last) small.flags = TALLYBUS_TERMINAL;
  return tallybus_publish_json(publisher, &small);
}

std::string NameOf(size_t lane) {
  return std::string(lane < 10 ? "stream-0" : "stream-") + std::to_string(lane);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 7) {
    std::fprintf(stderr, "usage: bus_load ENDPOINT N LANES [APP [BYTES [APPS]]]\n");
    return 2;
  }
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const size_t lanes = std::strtoull(argv[3], nullptr, 10);
  tallybus_publisher_options options = {};
  options.struct_size = sizeof options;
  options.endpoint = BytesOf(argv[1]);
  options.ring_bytes = uint64_t{16} << 20;
  if (argc > 4) options.app_key = BytesOf(argv[4]);
  const size_t bytes = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0;
  if (bytes > 0) options.node_id = BytesOf("n1");
  tallybus_publisher* publisher = nullptr;
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) return 1;

  std::vector<std::string> names;
  for (size_t i = 0; i < lanes; ++i) names.push_back(NameOf(i));
  std::vector<std::string> apps;
  const size_t app_count = argc > 6 ? std::strtoull(argv[6], nullptr, 10) : 0;
  for (size_t i = 0; i < app_count; ++i) apps.push_back(argv[4] + ("-" + std::to_string(i)));
  tallybus_stream_status event = SampleEvent();
  const std::string sdp = SdpOfJsonBytes(bytes - std::min(bytes, kBytesWithoutSdp));
  if (bytes > 0) event.sdp = {sdp.data(), sdp.size()};
  const auto began = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < count;) {
    const bool last = i + lanes >= count;
    if (!apps.empty()) event.app_key = BytesOf(apps[i % apps.size()].c_str());
    if (Publish(publisher, event, names[i % lanes], last, bytes) == TALLYBUS_OK) {
      ++i;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the ring is full
    }
  }
  tallybus_stats stats = {};
  stats.struct_size = sizeof stats;
  const auto give_up = began + std::chrono::minutes(2);
  do {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    tallybus_stats_get(publisher, &stats);
  } while (stats.acknowledged < count && std::chrono::steady_clock::now() < give_up);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(stats.acknowledged) / took.count());
  tallybus_publisher_close(publisher, 1000);
  return stats.acknowledged == count ? 0 : 1;
}
