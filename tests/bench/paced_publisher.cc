// Publishes RATE events a second for SECONDS over LANES streams, each with the time of its
// publishing in `info`; RATE 0: none. Prints what became of them and what CPU this process took:
// paced_publisher ENDPOINT RATE SECONDS LANES [BYTES [FILL]]. With BYTES (not 0) each is about that
// long as JSON, from 390. With FILL it first publishes so many events as fast as it can, says so,
// and goes on when it is sent a line.
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/sample_event.h"
#include "tests/bench/samples.h"

namespace {

using tallybus::bench::NowNs;
using tallybus::bench::SleepUntilNs;

constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kBytesBesideSdp = 340;  // of its events as JSON, without the digits of the time
constexpr size_t kStride = 7919;         // a prime: the events are spread over all streams

// The router takes those of one media session for one stream.
struct Stream {
  std::string name;
  std::string media_session_id;
};

Stream NthStream(size_t n) {
  const std::string number = std::to_string(n);
  return {"stream-" + number,
          "56141d10-fddc-11e6-ac3a-" + std::string(12 - number.size(), '0') + number};
}

void SetStream(const Stream& stream, tallybus_stream_status* event) {
  event->name = BytesOf(stream.name.c_str());
  event->media_session_id = BytesOf(stream.media_session_id.c_str());
}

tallybus_stats StatsOf(const tallybus_publisher* publisher) {
  tallybus_stats stats = {};
  stats.struct_size = sizeof stats;
  tallybus_stats_get(publisher, &stats);
  return stats;
}

// False after ten seconds.
template <typename Holds>
bool Await(Holds holds) {
  for (const int64_t until = NowNs() + 10 * kSecond; !holds();) {
    if (NowNs() > until) return false;
    SleepUntilNs(NowNs() + 1'000'000);
  }
  return true;
}

int64_t CpuUs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& t) { return int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

bool AllAcknowledged(const tallybus_publisher* publisher) {
  const tallybus_stats stats = StatsOf(publisher);
  return stats.acknowledged == stats.published;
}

void Fill(tallybus_publisher* publisher, const std::vector<Stream>& streams, size_t count) {
  tallybus_stream_status event = SampleEvent();
  for (size_t i = 0; i < count; ++i) {
    SetStream(streams[i % streams.size()], &event);
    while (tallybus_publish_stream_status(publisher, &event) != TALLYBUS_OK) {
      SleepUntilNs(NowNs() + 100'000);  // the ring is full
    }
  }
  Await([&] { return AllAcknowledged(publisher); });
  std::printf("filled\n");
  std::fflush(stdout);
  (void)std::getchar();
}

long PublishPaced(tallybus_publisher* publisher, int64_t rate, int64_t seconds,
                  const std::vector<Stream>& streams, const std::string& sdp) {
  tallybus_stream_status event = SampleEvent();
  if (!sdp.empty()) event.sdp = {sdp.data(), sdp.size()};
  long not_ok = 0;
  size_t number = 0;
  const int64_t began = NowNs();
  tallybus::bench::Pace(rate, rate * seconds, [&](int64_t now) {
    SetStream(streams[number++ * kStride % streams.size()], &event);
    const std::string stamp = std::to_string(now);
    event.info = BytesOf(stamp.c_str());
    not_ok += tallybus_publish_stream_status(publisher, &event) != TALLYBUS_OK;
  });
  SleepUntilNs(began + seconds * kSecond);
  return not_ok;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 7) {
    std::fprintf(stderr, "usage: paced_publisher ENDPOINT RATE SECONDS LANES [BYTES [FILL]]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  tallybus_publisher_options options = {};
  options.struct_size = sizeof options;
  options.endpoint = BytesOf(argv[1]);
  const size_t bytes = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0;
  if (bytes > 0) options.ring_bytes = uint64_t{16} << 20;  // as bus_load's
  tallybus_publisher* publisher = nullptr;
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) return 1;
  if (!Await([&] { return StatsOf(publisher).state == TALLYBUS_STATE_CONNECTED; })) return 1;
  std::vector<Stream> streams;
  const size_t lanes = std::strtoull(argv[4], nullptr, 10);
  for (size_t i = 0; i < lanes; ++i) streams.push_back(NthStream(i));
  const size_t beside = kBytesBesideSdp + std::to_string(NowNs()).size();
  const std::string sdp = bytes > beside ? SdpOfJsonBytes(bytes - beside) : std::string();
  if (argc > 6) Fill(publisher, streams, std::strtoull(argv[6], nullptr, 10));
  SleepUntilNs(NowNs() + kSecond / 5);  // the first conversation is no part of it
  const int64_t cpu = CpuUs(), began = NowNs();
  const long not_ok =
      PublishPaced(publisher, std::atoll(argv[2]), std::atoll(argv[3]), streams, sdp);
  const double share =
      static_cast<double>(CpuUs() - cpu) * 1000 / static_cast<double>(NowNs() - began);
  Await([&] { return AllAcknowledged(publisher); });
  std::printf("{\"published\":%llu,\"not_ok\":%ld,\"cpu_share\":%.6f}\n",
              static_cast<unsigned long long>(StatsOf(publisher).acknowledged), not_ok, share);
  tallybus_publisher_close(publisher, 1000);
  return 0;
}
