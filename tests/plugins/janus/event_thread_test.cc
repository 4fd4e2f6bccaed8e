// The thread takes what comes, rests in silence, and ends with nothing left behind.
#include "event_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

using std::chrono::milliseconds;

constexpr auto kLongEnough = std::chrono::seconds(60);

class CountingTaker : public EventTaker {
 public:
  void Take(const json_t* event) noexcept override {
    if (json_integer_value(event) != taken) in_order = false;
    ++taken;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    takes_signals = sigismember(&mask, SIGTERM) == 0 || sigismember(&mask, SIGUSR1) == 0;
    pthread_getname_np(pthread_self(), name.data(), name.size());
  }
  bool Rest() noexcept override {
    ++rests;
    return restless;
  }

  std::atomic<json_int_t> taken{0};
  std::atomic<int> rests{0};
  std::atomic<bool> restless{false};
  bool in_order = true;
  bool takes_signals = true;
  std::array<char, 16> name = {};
};

template <typename Condition>
bool Await(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kLongEnough;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

class EventThreadTest : public ::testing::Test {
 protected:
  // Holds each event until the end: jansson reads a count plainly before it lowers it.
  void Push(int count) {
    for (int i = 0; i < count; ++i) {
      events_.emplace_back(json_integer(static_cast<json_int_t>(events_.size())));
      queue_.Push(events_.back().get());
    }
  }

  std::vector<Json> events_;
  EventQueue queue_{[](const json_t* /*event*/) { return true; }};
  CountingTaker taker_;
  EventThread thread_{queue_, taker_};
};

TEST_F(EventThreadTest, TakesAllThatWasPushedBeforeItStops) {
  Push(100'000);
  thread_.Stop();
  EXPECT_EQ(taker_.taken, 100'000);
  EXPECT_TRUE(taker_.in_order);
}

TEST_F(EventThreadTest, WakesFromItsSleepForOneEvent) {
  for (int i = 1; i <= 5; ++i) {
    const int rests = taker_.rests;
    Push(1);
    ASSERT_TRUE(Await([&] { return taker_.taken == i; }));
    ASSERT_TRUE(Await([&] { return taker_.rests > rests; }));
    std::this_thread::sleep_for(milliseconds(200));  // longer than it naps
  }
}

TEST_F(EventThreadTest, RestsBetweenEventsThatLetItNotSleep) {
  for (int i = 0; i < 20; ++i) {
    Push(1);
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_GT(taker_.rests, 0);
}

TEST_F(EventThreadTest, RestsAgainWhereThereIsSomethingLeftToDo) {
  taker_.restless = true;
  Push(1);
  EXPECT_TRUE(Await([&] { return taker_.rests >= 3; }));
}

TEST_F(EventThreadTest, HasANameAndTakesNoSignal) {
  Push(1);
  thread_.Stop();
  EXPECT_STREQ(taker_.name.data(), "tallybus-janus");
  EXPECT_FALSE(taker_.takes_signals);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);  // its own mask alone
}

TEST_F(EventThreadTest, StopsOnce) {
  thread_.Stop();
  thread_.Stop();
  EXPECT_EQ(taker_.taken, 0);
}

}  // namespace
}  // namespace tallybus::janus
