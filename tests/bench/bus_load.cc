// Publishes N events as fast as the router takes them, over LANES stream names, and prints how many
// a second it acknowledged: bus_load ENDPOINT N LANES [APP [APPS]]. With APPS they go round APP-0,
// APP-1, ...
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "sample_event.h"

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::fprintf(stderr, "usage: bus_load ENDPOINT N LANES [APP [APPS]]\n");
    return 2;
  }
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const size_t lanes = std::strtoull(argv[3], nullptr, 10);
  tallybus_publisher_options options = {};
  options.struct_size = sizeof options;
  options.endpoint = BytesOf(argv[1]);
  options.ring_bytes = uint64_t{16} << 20;
  if (argc >= 5) options.app_key = BytesOf(argv[4]);
  tallybus_publisher* publisher = nullptr;
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) return 1;

  std::vector<std::string> names;
  for (size_t i = 0; i < lanes; ++i) names.push_back("stream-" + std::to_string(i));
  std::vector<std::string> apps;
  const size_t app_count = argc == 6 ? std::strtoull(argv[5], nullptr, 10) : 0;
  for (size_t i = 0; i < app_count; ++i) apps.push_back(argv[4] + ("-" + std::to_string(i)));
  tallybus_stream_status event = SampleEvent();
  const auto began = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < count;) {
    event.name = BytesOf(names[i % lanes].c_str());
    if (!apps.empty()) event.app_key = BytesOf(apps[i % apps.size()].c_str());
    if (tallybus_publish_stream_status(publisher, &event) == TALLYBUS_OK) {
      ++i;
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));  // the ring is full
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
