// The floor of any libcurl sender: a bare multi loop that POSTs one body N times over H handles and
// prints how many a second were answered: curl_floor URL N H
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

size_t Discard(char*, size_t size, size_t count, void*) { return size * count; }

CURL* NewHandle(const char* url, const std::string& body, curl_slist* headers) {
  CURL* handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, url);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, Discard);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
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
  if (argc != 4) {
    std::fprintf(stderr, "usage: curl_floor URL N HANDLES\n");
    return 2;
  }
  const long count = std::atol(argv[2]);
  const int handles = std::atoi(argv[3]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  const std::string body(390, 'x');
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  long left = count - handles;
  for (int i = 0; i < handles; ++i) curl_multi_add_handle(multi, NewHandle(argv[1], body, headers));

  const auto began = std::chrono::steady_clock::now();
  for (long finished = 0; finished < count;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    finished += TakeFinished(multi, &left);
    if (finished < count) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(count) / took.count());
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return 0;
}
