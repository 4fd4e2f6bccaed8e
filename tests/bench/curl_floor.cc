// The floor of any libcurl sender: a bare multi loop that POSTs one body N times over H handles and
// prints how many a second were answered, and its CPU microseconds for each:
// curl_floor URL N H [BYTES [CA_FILE]]
#include <curl/curl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

size_t Discard(char*, size_t size, size_t count, void*) { return size * count; }

double CpuSeconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

CURL* NewHandle(const char* url, const std::string& body, curl_slist* headers,
                const char* ca_file) {
  CURL* handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, url);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, Discard);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  if (ca_file != nullptr) curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file);
  return handle;
}

// The next transfer's handle is the finished one's.
long TakeFinished(CURLM* multi, long* left) {
  long finished = 0;
  int queued = 0;
  while (CURLMsg* message = curl_multi_info_read(multi, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    if (message->data.result != CURLE_OK) std::abort();
    CURL* handle = message->easy_handle;
    ++finished;
    curl_multi_remove_handle(multi, handle);
    if (*left > 0) {
      --*left;
      curl_multi_add_handle(multi, handle);
    } else {
      curl_easy_cleanup(handle);
    }
  }
  return finished;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::fprintf(stderr, "usage: curl_floor URL N HANDLES [BYTES [CA_FILE]]\n");
    return 2;
  }
  const long count = std::atol(argv[2]);
  const int handles = std::atoi(argv[3]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  const std::string body(argc > 4 ? static_cast<size_t>(std::atol(argv[4])) : 390, 'x');
  const char* ca_file = argc > 5 ? argv[5] : nullptr;
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  long left = count - handles;
  for (int i = 0; i < handles; ++i) {
    curl_multi_add_handle(multi, NewHandle(argv[1], body, headers, ca_file));
  }

  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  for (long finished = 0; finished < count;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    finished += TakeFinished(multi, &left);
    if (finished < count) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto events = static_cast<double>(count);
  std::printf("%.0f %.1f\n", events / took.count(), (CpuSeconds() - cpu) * 1e6 / events);
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return 0;
}
