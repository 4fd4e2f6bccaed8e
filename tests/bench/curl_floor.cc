// The floor of any libcurl sender: a bare multi loop that POSTs one body N times over H handles and
// prints how many a second were answered, and its CPU microseconds for each:
// curl_floor URL N H [BYTES [poll | socket [CA_FILE]]]
// It polls as libcurl does, or hands libcurl each socket that epoll names.
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
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

// What epoll is told of a socket stays when libcurl forgets it for a while: its next transfer asks
// for the same.
class Sockets {
 public:
  explicit Sockets(CURLM* multi) : multi_(multi) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, OnSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, OnTimer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }
  // One turn: what is due or ready goes on.
  void Act() {
    int running = 0;
    const int64_t now = NowMs();
    if (due_ms_ >= 0 && now >= due_ms_) {
      due_ms_ = -1;
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      return;
    }
    epoll_event ready[64];
    const int64_t wait = due_ms_ < 0 ? 100 : due_ms_ - now;
    const int count = epoll_wait(epoll_, ready, 64, static_cast<int>(wait));
    for (int i = 0; i < count; ++i) {
      const int mask = ((ready[i].events & ~EPOLLOUT) != 0 ? CURL_CSELECT_IN : 0) |
                       ((ready[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
      curl_multi_socket_action(multi_, ready[i].data.fd, mask, &running);
    }
  }
  static int Close(void* sockets, curl_socket_t socket) {
    static_cast<Sockets*>(sockets)->Wanted(socket) = 0;
    return close(socket);
  }

 private:
  static int64_t NowMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  static int OnSocket(CURL*, curl_socket_t socket, int what, void* me, void*) {
    if (what == CURL_POLL_REMOVE) return 0;
    auto* sockets = static_cast<Sockets*>(me);
    const uint32_t events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    uint32_t& wanted = sockets->Wanted(socket);
    if (wanted == events) return 0;
    epoll_event event = {};
    event.events = events;
    event.data.fd = socket;
    epoll_ctl(sockets->epoll_, wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    wanted = events;
    return 0;
  }
  static int OnTimer(CURLM*, long ms, void* me) {
    static_cast<Sockets*>(me)->due_ms_ = ms < 0 ? -1 : NowMs() + ms;
    return 0;
  }
  uint32_t& Wanted(curl_socket_t socket) {
    const auto at = static_cast<size_t>(socket);
    if (at >= wanted_.size()) wanted_.resize(at + 1);
    return wanted_[at];
  }

  CURLM* const multi_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int64_t due_ms_ = -1;           // -1: nothing is
  std::vector<uint32_t> wanted_;  // by socket; 0: epoll does not know it
};

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
  if (argc < 4 || argc > 7) {
    std::fprintf(stderr, "usage: curl_floor URL N HANDLES [BYTES [poll | socket [CA_FILE]]]\n");
    return 2;
  }
  const long count = std::atol(argv[2]);
  const int handles = std::atoi(argv[3]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  const std::string body(argc > 4 ? static_cast<size_t>(std::atol(argv[4])) : 390, 'x');
  const char* ca_file = argc > 6 ? argv[6] : nullptr;
  std::optional<Sockets> sockets;
  if (argc > 5 && std::strcmp(argv[5], "socket") == 0) sockets.emplace(multi);
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json;charset=UTF-8");
  headers = curl_slist_append(headers, "Expect:");
  long left = count - handles;
  for (int i = 0; i < handles; ++i) {
    CURL* handle = NewHandle(argv[1], body, headers, ca_file);
    if (sockets) {
      curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, Sockets::Close);
      curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, &*sockets);
    }
    curl_multi_add_handle(multi, handle);
  }

  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  for (long finished = 0; finished < count;) {
    if (sockets) {
      sockets->Act();
      finished += TakeFinished(multi, &left);
      continue;
    }
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
