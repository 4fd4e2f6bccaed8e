// What tallybus_publish_stream_status costs its caller, and that it allocates nothing. Needs the
// endpoint of a running tallybusd in TALLYBUS_ENDPOINT.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sample_event.h"

namespace {

thread_local bool counting = false;
std::atomic<long> allocations{0};

void* Count(std::size_t size) {
  if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}

tallybus_publisher* Open() {
  const char* endpoint = std::getenv("TALLYBUS_ENDPOINT");
  if (endpoint == nullptr) std::abort();
  tallybus_publisher_options options = {};
  options.struct_size = sizeof options;
  options.endpoint = BytesOf(endpoint);
  tallybus_publisher* publisher = nullptr;
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) std::abort();
  return publisher;
}

void AwaitEmptyRing(tallybus_publisher* publisher) {
  tallybus_stats stats = {};
  stats.struct_size = sizeof stats;
  do {
    tallybus_stats_get(publisher, &stats);
  } while (stats.acknowledged < stats.published);
}

// Bursts of 100 under half the ring; the pauses between them are not timed.
void BM_PublishStreamStatusInBursts(benchmark::State& state) {
  tallybus_publisher* publisher = Open();
  const tallybus_stream_status event = SampleEvent();
  long not_ok = 0;
  // More than once round the ring: its memory is given by the kernel when it is first used.
  for (int i = 0; i < 300; ++i) {
    for (int j = 0; j < 100; ++j) tallybus_publish_stream_status(publisher, &event);
    AwaitEmptyRing(publisher);
  }
  allocations = 0;
  for (auto _ : state) {
    counting = true;
    for (int i = 0; i < 100; ++i) {
      not_ok += tallybus_publish_stream_status(publisher, &event) != TALLYBUS_OK;
    }
    counting = false;
    state.PauseTiming();
    AwaitEmptyRing(publisher);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 100);
  state.counters["allocations"] = static_cast<double>(allocations.load());
  state.counters["not_ok"] = static_cast<double>(not_ok);
  tallybus_publisher_close(publisher, 5000);
}
BENCHMARK(BM_PublishStreamStatusInBursts)->Iterations(3000)->UseRealTime();

}  // namespace

void* operator new(std::size_t size) { return Count(size); }
void* operator new[](std::size_t size) { return Count(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

BENCHMARK_MAIN();
