// Waking a parked sender, and not calling the kernel for one that is awake.
#include "parking.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

namespace tallybus::engine {
namespace {

bool IsReadable(const Parking& parking, int timeout_ms) {
  pollfd fd{parking.fd(), POLLIN, 0};
  return poll(&fd, 1, timeout_ms) == 1;
}

TEST(ParkingTest, LeavesASenderAloneThatIsAwake) {
  Parking parking;
  EXPECT_FALSE(parking.WakeIfParked());
  EXPECT_FALSE(IsReadable(parking, 0));
}

TEST(ParkingTest, WakesAParkedSenderOnce) {
  Parking parking;
  parking.Announce();
  EXPECT_TRUE(parking.WakeIfParked());
  EXPECT_FALSE(parking.WakeIfParked());
  EXPECT_TRUE(IsReadable(parking, 0));
  parking.Leave();
  EXPECT_FALSE(IsReadable(parking, 0));
}

TEST(ParkingTest, WakesASenderThatWaitsForTheRouterWhenItIsTold) {
  Parking parking;
  parking.Wake();
  EXPECT_TRUE(IsReadable(parking, 0));
}

// The sender sleeps without a time limit of its own: a lost wake-up would show as a minute.
TEST(ParkingTest, LosesNoWakeUp) {
  constexpr int kRounds = 20'000;
  Parking parking;
  std::atomic<int> published{0};
  std::atomic<int> taken{0};
  std::thread publisher([&] {
    for (int i = 1; i <= kRounds; ++i) {
      published.store(i, std::memory_order_seq_cst);
      parking.WakeIfParked();
      while (i % 64 == 0 && taken.load() < i) std::this_thread::yield();
    }
  });
  bool lost = false;
  while (taken < kRounds && !lost) {
    parking.Announce();
    if (published.load(std::memory_order_seq_cst) == taken) lost = !IsReadable(parking, 60'000);
    parking.Leave();
    taken = published.load();
  }
  taken = kRounds;
  publisher.join();
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace tallybus::engine
