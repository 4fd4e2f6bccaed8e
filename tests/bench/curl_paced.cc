// The floor of what libcurl needs to bring an event to a backend, without a bus before it: a bare
// multi loop that POSTs N bodies, RATE a second, over up to HANDLES connections; HEAD, the time and
// TAIL in each: curl_paced URL N RATE HANDLES HEAD TAIL [CA_FILE]
#include <curl/curl.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "tests/bench/samples.h"

namespace {

using tallybus::bench::NowNs;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kPatienceMs = 10'000;

// Readable from the time on that it was set to.
class Timer {
 public:
  void Set(int64_t at) {
    itimerspec spec = {};
    spec.it_value = {at / kSecond, at % kSecond};
    timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
  }
  curl_waitfd AsWaitFd() const { return {fd_, CURL_WAIT_POLLIN, 0}; }

 private:
  const int fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
};

CURL* NewHandle(const char* url, curl_slist* headers, const char* ca_file) {
  CURL* handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, url);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  if (ca_file != nullptr) curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file);
  return handle;
}

// How many have ended; false where one failed.
bool TakeFinished(CURLM* multi, std::vector<CURL*>* idle, int64_t* finished) {
  int queued = 0;
  while (CURLMsg* message = curl_multi_info_read(multi, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    if (message->data.result != CURLE_OK) {
      std::fprintf(stderr, "curl_paced: %s\n", curl_easy_strerror(message->data.result));
      return false;
    }
    CURL* handle = message->easy_handle;
    curl_multi_remove_handle(multi, handle);
    idle->push_back(handle);
    ++*finished;
  }
  return true;
}

void Send(CURLM* multi, const std::string& body, std::vector<CURL*>* idle) {
  curl_easy_setopt(idle->back(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(idle->back(), CURLOPT_COPYPOSTFIELDS, body.c_str());
  curl_multi_add_handle(multi, idle->back());
  idle->pop_back();
}

// Opens a connection for each handle: no part of it.
bool Connect(CURLM* multi, std::vector<CURL*>* idle) {
  const auto handles = static_cast<int64_t>(idle->size());
  while (!idle->empty()) Send(multi, "{}", idle);
  for (int64_t finished = 0; finished < handles;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    if (!TakeFinished(multi, idle, &finished)) return false;
    if (finished < handles) curl_multi_poll(multi, nullptr, 0, kPatienceMs, nullptr);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) {
    std::fprintf(stderr, "usage: curl_paced URL N RATE HANDLES HEAD TAIL [CA_FILE]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  const int64_t count = std::atoll(argv[2]), rate = std::atoll(argv[3]);
  const std::string head = argv[5], tail = argv[6];
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  const auto handles = static_cast<size_t>(std::atoll(argv[4]));
  // It would keep four times the transfers under way, which are one or two.
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(handles));
  std::vector<CURL*> idle;
  idle.reserve(handles);
  while (idle.size() < handles) {
    idle.push_back(NewHandle(argv[1], headers, argc == 8 ? argv[7] : nullptr));
  }
  if (!Connect(multi, &idle)) return 1;

  Timer timer;
  const int64_t began = NowNs();
  std::deque<int64_t> waiting;  // stamps: no handle was free yet
  int64_t given = 0;
  int64_t finished = 0;
  int64_t slept = began;
  int64_t awake = began;
  while (finished < count) {
    // What fell due while this slept is given now; what did while it worked is late.
    for (; given < count && began + given * kSecond / rate <= awake; ++given) {
      const int64_t due = began + given * kSecond / rate;
      waiting.push_back(due > slept ? awake : due);
    }
    for (; !waiting.empty() && !idle.empty(); waiting.pop_front()) {
      std::string body = head;
      body += std::to_string(waiting.front());
      body += tail;
      Send(multi, body, &idle);
    }
    int running = 0;
    curl_multi_perform(multi, &running);
    if (!TakeFinished(multi, &idle, &finished)) return 1;
    slept = NowNs();
    if (!waiting.empty() && !idle.empty()) continue;
    if (given < count) timer.Set(began + given * kSecond / rate);
    curl_waitfd wait = timer.AsWaitFd();
    if (finished < count)
      curl_multi_poll(multi, &wait, given < count ? 1 : 0, kPatienceMs, nullptr);
    awake = NowNs();
  }
  for (CURL* handle : idle) curl_easy_cleanup(handle);
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return 0;
}
