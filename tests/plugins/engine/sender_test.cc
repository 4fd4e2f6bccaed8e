// The sender's thread: how it runs, how it rests, and how it ends.
#include "sender.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "record.h"
#include "scripted_router.h"

namespace tallybus::engine {
namespace {

struct ThreadFacts {
  std::atomic<bool> seen{false};
  std::string name;
  bool blocks_signals = false;
};

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    settings_.endpoint = router_.endpoint();
    settings_.app_key = "defaultApp";
  }
  ~SenderTest() override {
    if (running_) sender_->Stop(0);
  }
  void Start() {
    sender_ = std::make_unique<Sender>(settings_, 1, ring_.get(), &parking_, &counters_, &asks_);
    ASSERT_EQ(sender_->Start(), TALLYBUS_OK);
    running_ = true;
  }
  ScriptedRouter::Message Await(v1::Kind kind) {
    ScriptedRouter::Message found{v1::KIND_UNSPECIFIED, {}};
    EXPECT_TRUE(WaitUntil([&] {
      const auto message = router_.Poll();
      if (message && message->kind == kind) found = *message;
      return found.kind == kind;
    })) << v1::Kind_Name(kind);
    return found;
  }
  void Meet() {
    Await(v1::KIND_HELLO);
    router_.Welcome(1, 1);
  }
  bool Publish() {  // true: it had to wake the sender
    tallybus_json_event event = {};
    event.method = Bytes("TestEvent");
    event.json = Bytes("{}");
    const JsonEventRecord record(event, 1);
    const Slot slot = ring_->Reserve(record.size(), false);
    record.WriteTo(slot.payload);
    Ring::Publish(slot, JsonEventRecord::kKind);
    return parking_.WakeIfParked();
  }
  // What this process needs, beside this thread's sleep, over a while; on a busy machine that is
  // longer than was asked for.
  static double ShareOfACore() {
    const auto began = std::chrono::steady_clock::now();
    const clock_t before = clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const double used = static_cast<double>(clock() - before) / CLOCKS_PER_SEC;
    return used / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }
  std::future<void> StopInBackground(uint32_t drain_ms) {
    running_ = false;
    return std::async(std::launch::async, [this, drain_ms] { sender_->Stop(drain_ms); });
  }

  ScriptedRouter router_;
  Settings settings_;
  Counters counters_;
  Asks asks_{11 * kSecondUs};
  Parking parking_;
  std::unique_ptr<Ring> ring_ = Ring::Create(64 << 10);
  std::unique_ptr<Sender> sender_;
  bool running_ = false;
};

TEST_F(SenderTest, NamesItsThreadAndBlocksEverySignalThere) {
  ThreadFacts facts;
  settings_.hooks.user = &facts;
  settings_.hooks.on_thread_start = [](void* user) {
    auto& seen = *static_cast<ThreadFacts*>(user);
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof(name));
    seen.name = name;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    seen.blocks_signals = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1 &&
                          sigismember(&mask, SIGUSR1) == 1;
    seen.seen = true;
  };
  Start();
  ASSERT_TRUE(WaitUntil([&] { return facts.seen.load(); }));
  EXPECT_EQ(facts.name, "tallybus");
  EXPECT_TRUE(facts.blocks_signals);
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0) << "the caller's mask is as it was";
}

TEST_F(SenderTest, IsWokenByTheNextEventAfterAPause) {
  Start();
  Meet();
  // Once it is parked, a publish must wake it; the event must arrive long before any timer.
  ASSERT_TRUE(WaitUntil([&] {
    const bool woke = Publish();
    Await(v1::KIND_EVENTS);
    return woke;
  }));
}

TEST_F(SenderTest, TakesWhatTheRouterSaysWhileItIsParked) {
  std::atomic<int> heard{0};
  settings_.hooks.user = &heard;
  settings_.hooks.on_client_message = [](void* user, tallybus_bytes, tallybus_bytes, tallybus_bytes,
                                         tallybus_bytes) {
    ++*static_cast<std::atomic<int>*>(user);
  };
  Start();
  Meet();
  router_.Send(v1::KIND_CLIENT, v1::Client());
  EXPECT_TRUE(WaitUntil([&] { return heard == 1; }));
}

TEST_F(SenderTest, BeatsWhileNothingHappens) {
  settings_.timing.heartbeat_us = 20 * kMillisecondUs;
  Start();
  Meet();
  for (int i = 0; i < 3; ++i) Await(v1::KIND_HEARTBEAT);
}

TEST_F(SenderTest, RestsWhileThereIsNoRouter) {
  router_.Stop();
  Start();
  Publish();
  EXPECT_LT(ShareOfACore(), 0.3);
}

TEST_F(SenderTest, RestsWhileTheRouterIsGoneThatItIsConnectedTo) {
  Start();
  Meet();
  Publish();
  Await(v1::KIND_EVENTS);
  router_.Stop();
  Publish();
  EXPECT_LT(ShareOfACore(), 0.3);
}

TEST_F(SenderTest, RestsWhileItMaySendNoMore) {
  Start();
  Await(v1::KIND_HELLO);
  router_.Welcome(1, 1, 0);
  Publish();
  ASSERT_TRUE(WaitUntil([&] { return counters_.state == TALLYBUS_STATE_CONNECTED; }));
  EXPECT_LT(ShareOfACore(), 0.3);
}

TEST_F(SenderTest, RestsWhileItWaitsForTheLastAcknowledgement) {
  Start();
  Meet();
  Publish();
  Await(v1::KIND_EVENTS);
  std::future<void> stopped = StopInBackground(500);
  EXPECT_LT(ShareOfACore(), 0.3);
}

TEST_F(SenderTest, RestsWhileItStopsWithoutARouter) {
  router_.Stop();
  Start();
  Publish();
  std::future<void> stopped = StopInBackground(500);
  EXPECT_LT(ShareOfACore(), 0.3);
}

TEST_F(SenderTest, FindsARouterThatComesLater) {
  router_.Stop();
  Start();
  Publish();
  router_.Start();
  Meet();
  EXPECT_EQ(Await(v1::KIND_EVENTS).As<v1::Events>().first_sequence(), 1u);
}

TEST_F(SenderTest, AsksARouterAgainThatRefused) {
  settings_.timing.refused_us = 50 * kMillisecondUs;
  Start();
  Await(v1::KIND_HELLO);
  router_.Send(v1::KIND_REFUSE, v1::Refuse());
  ASSERT_TRUE(WaitUntil([&] { return counters_.state == TALLYBUS_STATE_REFUSED; }));
  Meet();
  EXPECT_TRUE(WaitUntil([&] { return counters_.state == TALLYBUS_STATE_CONNECTED; }));
}

TEST_F(SenderTest, OpensANewSocketWhenTheRouterFallsSilent) {
  settings_.timing.heartbeat_us = 100 * kMillisecondUs;
  settings_.timing.silence_us = 3 * kSecondUs;  // longer than a loaded machine's pauses
  Start();
  Meet();
  Publish();
  Await(v1::KIND_EVENTS);
  Meet();
  EXPECT_EQ(Await(v1::KIND_EVENTS).As<v1::Events>().first_sequence(), 1u);
  EXPECT_GE(counters_.reconnects, 1u);
}

TEST_F(SenderTest, StopsAsSoonAsEverythingIsAcknowledgedByeIncluded) {
  Start();
  Meet();
  Publish();
  std::future<void> stopped = StopInBackground(60'000);
  uint64_t seen = 0;
  bool bye = false;
  while (!bye && !HasFailure()) {
    const auto events = Await(v1::KIND_EVENTS).As<v1::Events>();
    for (const std::string& bytes : events.records()) {
      v1::Record record;
      ASSERT_TRUE(record.ParseFromString(bytes));
      EXPECT_FALSE(bye) << "BYE is the last record";
      bye = record.has_bye();
      ++seen;
    }
  }
  EXPECT_EQ(seen, 2u);
  router_.Ack(seen);
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(ring_->used(), 0u);
  EXPECT_EQ(counters_.state, TALLYBUS_STATE_CLOSED);
}

TEST_F(SenderTest, SaysByeEvenWhereItMayNotWait) {
  Start();
  Meet();
  ASSERT_TRUE(WaitUntil([&] { return counters_.state == TALLYBUS_STATE_CONNECTED; }));
  std::future<void> stopped = StopInBackground(0);
  v1::Record record;
  const auto events = Await(v1::KIND_EVENTS).As<v1::Events>();
  ASSERT_EQ(events.records_size(), 1);
  ASSERT_TRUE(record.ParseFromString(events.records(0)));
  EXPECT_TRUE(record.has_bye());
}

TEST_F(SenderTest, StopsAtItsDeadlineWhereNobodyAnswers) {
  router_.Stop();
  Start();
  Publish();
  std::future<void> stopped = StopInBackground(50);
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

}  // namespace
}  // namespace tallybus::engine
