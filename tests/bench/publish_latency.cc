// What one call of tallybus_publish_stream_status costs its caller: in bursts, paced at 5,000 a
// second by one and by four threads, and after silence. Beside it what an empty section of code
// costs on the same beat: the noise floor. publish_latency ENDPOINT SECONDS [sdp]
#include <dlfcn.h>
#include <errno.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/sample_event.h"
#include "tests/bench/samples.h"

namespace {

using tallybus::bench::NowNs;
using tallybus::bench::Samples;
using tallybus::bench::SleepUntilNs;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBeat = kSecond / 5'000;
constexpr int64_t kSpin = 500;
constexpr int64_t kLate = kSecond / 1250;  // after this the library's thread may sleep
constexpr int kSilences = 50;

// Of the thread that sets it.
thread_local bool counting = false;
std::atomic<long> allocations{0};
std::atomic<long> locks{0};

void Count(std::atomic<long>& what) {
  if (counting) what.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// In the place of the C library's, also for the engine library. operator new comes here too.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  Count(allocations);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Count(allocations);
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  Count(allocations);
  return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  Count(allocations);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  Count(allocations);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const next =
      reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  Count(locks);
  return next(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static auto* const next =
      reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_trylock"));
  Count(locks);
  return next(mutex);
}
}

namespace {

// Whether this thread enters the kernel: each system call comes to a handler first, which lets it
// pass and looks no further until it is armed again.
class KernelEntries {
 public:
  static bool Start() {
    struct sigaction action = {};
    action.sa_sigaction = [](int, siginfo_t*, void* context) {
      gate_ = SYSCALL_DISPATCH_FILTER_ALLOW;
      count_ = count_ + 1;
      // Back to the instruction `syscall`, two bytes before.
      static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] -= 2;
    };
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0UL, 0UL, &gate_) == 0;
  }
  static void Arm() { gate_ = SYSCALL_DISPATCH_FILTER_BLOCK; }
  static void Disarm() { gate_ = SYSCALL_DISPATCH_FILTER_ALLOW; }
  // Calls between Arm and Disarm that made any system call.
  static long count() { return count_; }

 private:
  static volatile char gate_;
  static volatile sig_atomic_t count_;
};
volatile char KernelEntries::gate_ = SYSCALL_DISPATCH_FILTER_ALLOW;
volatile sig_atomic_t KernelEntries::count_ = 0;

tallybus_stats StatsOf(const tallybus_publisher* publisher) {
  tallybus_stats stats = {};
  stats.struct_size = sizeof stats;
  tallybus_stats_get(publisher, &stats);
  return stats;
}

class Bench {
 public:
  Bench(const char* endpoint, int64_t seconds, bool with_sdp) : seconds_(seconds) {
    event_ = SampleEvent();
    if (with_sdp) event_.sdp = BytesOf(sdp_.c_str());
    tallybus_publisher_options options = {};
    options.struct_size = sizeof options;
    options.endpoint = BytesOf(endpoint);
    if (tallybus_publisher_open(&options, &publisher_) != TALLYBUS_OK) std::exit(1);
    // Once round the ring: its memory is given by the kernel when it is first used.
    const uint64_t ring_bytes = StatsOf(publisher_).ring_bytes;
    for (uint64_t sent = 0; sent < ring_bytes; sent += 100 * (200 + event_.sdp.size)) Burst();
    not_ok_ = 0;
    Samples timer;
    for (int i = 0; i < 10'000; ++i) {
      const int64_t began = NowNs();
      timer.Add(NowNs() - began);
    }
    timer_cost_ = timer.PerMille(500);
  }
  ~Bench() { tallybus_publisher_close(publisher_, 5000); }

  void Bursts();
  void Paced(int producers, bool sleeps, const char* name);
  void Silences();
  void Print();

 private:
  struct Beats {
    explicit Beats(size_t count) : calls(count), empty(count), spun(count) {}
    Samples calls, empty, spun;
    long late = 0;  // calls after such a pause
  };

  void Publish() {
    counting = true;
    const tallybus_status status = tallybus_publish_stream_status(publisher_, &event_);
    counting = false;
    if (status != TALLYBUS_OK) ++not_ok_;
  }
  bool IsEmpty() const {
    const tallybus_stats stats = StatsOf(publisher_);
    return stats.acknowledged == stats.published;
  }
  // What a call of a hundred took; then waits until the router has them.
  int64_t Burst();
  void OnBeat(bool sleeps, Beats* beats);
  void Say(const std::string& name, Samples* samples) {
    said_ += "\"" + name + "\":" + samples->Json() + ",";
  }
  void Say(const std::string& name, int64_t number) {
    said_ += "\"" + name + "\":" + std::to_string(number) + ",";
  }

  const int64_t seconds_;
  const std::string sdp_ = SampleSdp();
  tallybus_stream_status event_;
  tallybus_publisher* publisher_ = nullptr;
  std::atomic<long> not_ok_{0};
  int64_t timer_cost_;
  std::string said_;
};

int64_t Bench::Burst() {
  const int64_t began = NowNs();
  for (int i = 0; i < 100; ++i) Publish();
  const int64_t took = NowNs() - began;
  while (!IsEmpty()) sched_yield();
  return took / 100;
}

void Bench::Bursts() {
  Samples bursts;
  for (const int64_t until = NowNs() + seconds_ * kSecond; NowNs() < until;) bursts.Add(Burst());
  Say("burst", &bursts);
}

// A call on each beat, and between two of them an empty section and one that spins as long as a
// call may take: the longer a section, the likelier somebody else's interrupt falls into it.
// A caller that sleeps in between finds the caches cold.
void Bench::OnBeat(bool sleeps, Beats* beats) {
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  const auto until = [sleeps](int64_t at) {
    if (sleeps) SleepUntilNs(at);
    while (NowNs() < at) continue;
  };
  const int64_t began = NowNs();
  int64_t last = began;
  for (int64_t i = 0; i < seconds_ * kSecond / kBeat; ++i) {
    until(began + i * kBeat);
    const int64_t before = NowNs();
    Publish();
    const int64_t after = NowNs();
    beats->calls.Add(std::max<int64_t>(0, after - before - timer_cost_));
    if (before - last > kLate) ++beats->late;
    last = before;
    until(began + i * kBeat + kBeat / 3);
    const int64_t empty = NowNs();
    beats->empty.Add(std::max<int64_t>(0, NowNs() - empty - timer_cost_));
    until(began + i * kBeat + kBeat * 2 / 3);
    const int64_t spin = NowNs();
    int64_t now = spin;
    while (now - spin < kSpin) now = NowNs();
    beats->spun.Add(now - spin - timer_cost_);
  }
}

void Bench::Paced(int producers, bool sleeps, const char* name) {
  const uint64_t wakeups = StatsOf(publisher_).wakeups;
  const auto count = static_cast<size_t>(seconds_ * kSecond / kBeat);
  std::vector<Beats> beats;
  beats.reserve(static_cast<size_t>(producers));  // a copy would be without its memory
  for (int i = 0; i < producers; ++i) beats.emplace_back(count);
  std::vector<std::thread> threads;
  for (Beats& each : beats) threads.emplace_back([=, this, &each] { OnBeat(sleeps, &each); });
  for (std::thread& thread : threads) thread.join();
  Beats all(beats.size() * count);
  for (const Beats& each : beats) {
    all.calls.Add(each.calls);
    all.empty.Add(each.empty);
    all.spun.Add(each.spun);
    all.late += each.late;
  }
  Say(name, &all.calls);
  Say(std::string(name) + "_empty", &all.empty);
  Say(std::string(name) + "_spun", &all.spun);
  Say(std::string(name) + "_wakeups", static_cast<int64_t>(StatsOf(publisher_).wakeups - wakeups));
  Say(std::string(name) + "_late", all.late);
}

// Then one call wakes the library's thread, and the calls that follow it closely need not.
void Bench::Silences() {
  const bool sees = KernelEntries::Start();
  long first = 0, next = 0, late = 0;
  uint64_t wakeups = StatsOf(publisher_).wakeups;
  for (int i = 0; i < kSilences; ++i) {
    SleepUntilNs(NowNs() + kSecond / 50);
    int64_t last = NowNs();
    for (int call = 0; call < 20; ++call) {
      const long before = KernelEntries::count();
      if (NowNs() - last > kLate) ++late;
      last = NowNs();
      KernelEntries::Arm();
      Publish();
      KernelEntries::Disarm();
      (call == 0 ? first : next) += KernelEntries::count() - before;
      for (const int64_t until = NowNs() + kBeat; NowNs() < until;) continue;
    }
  }
  wakeups = StatsOf(publisher_).wakeups - wakeups;
  Say("silences", kSilences);
  Say("silence_late", late);
  Say("silence_wakeups", static_cast<int64_t>(wakeups));
  Say("silence_kernel_first", sees ? first : -1);
  Say("silence_kernel_next", sees ? next : -1);
}

void Bench::Print() {
  Say("calls", static_cast<int64_t>(StatsOf(publisher_).published) + not_ok_);
  Say("timer", timer_cost_);
  Say("not_ok", not_ok_);
  Say("locks", locks);
  Say("allocations", allocations);
  said_.back() = '}';
  std::printf("{%s\n", said_.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: publish_latency ENDPOINT SECONDS [sdp]\n");
    return 2;
  }
  Bench bench(argv[1], std::atoll(argv[2]), argc > 3);
  allocations = locks = 0;
  bench.Bursts();
  bench.Paced(1, true, "one");
  bench.Paced(1, false, "awake");
  bench.Paced(4, true, "four");
  bench.Silences();
  bench.Print();
  return 0;
}
