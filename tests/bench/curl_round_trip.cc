// The round trip of a bare libcurl request: POSTs one body N times, one after the other over one
// connection, and prints the times in nanoseconds:
// curl_round_trip URL N [RATE HEAD TAIL [CA_FILE]]
// With RATE, so many a second; the body is HEAD, the time and TAIL.
#include <curl/curl.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/samples.h"

namespace {

constexpr int64_t kWarmUp = 100;  // requests: the first one connects

bool Post(CURL* handle, const std::string& body) {
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  return curl_easy_perform(handle) == CURLE_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 6 && argc != 7) {
    std::fprintf(stderr, "usage: curl_round_trip URL N [RATE HEAD TAIL [CA_FILE]]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  const int64_t count = std::atoll(argv[2]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  if (argc == 7) curl_easy_setopt(handle, CURLOPT_CAINFO, argv[6]);
  tallybus::bench::Samples times(static_cast<size_t>(count));
  const std::string unstamped(390, 'x');
  for (int64_t i = 0; i < kWarmUp; ++i) {
    if (!Post(handle, unstamped)) return 1;
  }
  bool failed = false;
  const auto timed = [&](const std::string& body) {
    const int64_t began = tallybus::bench::NowNs();
    failed |= !Post(handle, body);
    times.Add(tallybus::bench::NowNs() - began);
  };
  if (argc == 3) {
    for (int64_t i = 0; i < count; ++i) timed(unstamped);
  } else {
    const std::string head = argv[4], tail = argv[5];
    tallybus::bench::Pace(std::atoll(argv[3]), count,
                          [&](int64_t stamp) { timed(head + std::to_string(stamp) + tail); });
  }
  std::printf("%s\n", times.Json().c_str());
  curl_easy_cleanup(handle);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  return failed ? 1 : 0;
}
