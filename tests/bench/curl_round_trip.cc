// The round trip of a bare libcurl request: POSTs one body N times, one after the other over one
// connection, and prints the times in nanoseconds: curl_round_trip URL N
#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/samples.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: curl_round_trip URL N\n");
    return 2;
  }
  const size_t count = std::strtoull(argv[2], nullptr, 10);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = curl_easy_init();
  const std::string body(390, 'x');
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  tallybus::bench::Samples times(count);
  for (size_t i = 0; i < count + 100; ++i) {  // the first ones connect and warm up
    const int64_t began = tallybus::bench::NowNs();
    if (curl_easy_perform(handle) != CURLE_OK) return 1;
    if (i >= 100) times.Add(tallybus::bench::NowNs() - began);
  }
  std::printf("%s\n", times.Json().c_str());
  curl_easy_cleanup(handle);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  return 0;
}
