// Links and their threads, with a peer that the test holds in its hand.
#include "transports/parts/linked_transport.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <set>

#include "tests/conformance/transport_bench.h"

namespace tallybus::parts {
namespace {

using ::testing::ElementsAre;
using testing::EndpointAt;
using ::testing::SizeIs;

// What the links of a test have in common.
struct Peers {
  std::mutex mutex;
  std::condition_variable changed;
  bool blocked = false;  // Send waits
  bool waits = false;    // it did
  bool silent = false;   // and completes nothing
  bool stays = false;    // a link does not close
  int made = 0;
  std::set<std::string> closing;
  std::set<std::string> links;
  std::set<std::string> threads;
  bool takes_signals = false;
  std::vector<std::string> bodies;
};

class TestLink final : public Link {
 public:
  TestLink(Peers& peers, const LinkContext& context)
      : peers_(peers), url_(context.endpoint.url), attempts_(context.attempts) {
    std::lock_guard lock(peers_.mutex);
    peers_.links.insert(url_);
    ++peers_.made;
  }
  ~TestLink() override {
    std::unique_lock lock(peers_.mutex);
    peers_.closing.insert(url_);
    peers_.changed.notify_all();
    if (url_ == "x://slow") peers_.changed.wait(lock, [this] { return !peers_.stays; });
    peers_.closing.erase(url_);
    peers_.links.erase(url_);
    peers_.changed.notify_all();
  }
  void Take(const Delivery& delivery) override {
    std::lock_guard lock(peers_.mutex);
    peers_.bodies.emplace_back(delivery.parcels.front().body);
    taken_.push_back(delivery.ticket);
  }
  void Send() override {
    std::unique_lock lock(peers_.mutex);
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof(name));
    peers_.threads.insert(name);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    peers_.takes_signals |= sigismember(&blocked, SIGTERM) == 0;
    if (url_ == "x://slow") {
      peers_.waits = peers_.blocked;
      peers_.changed.wait(lock, [this] { return !peers_.blocked; });
    }
    const std::vector<Ticket> sent = std::exchange(taken_, {});
    const bool silent = peers_.silent;
    lock.unlock();
    for (Ticket ticket : sent) {
      DeliveryResult delivered;
      delivered.verdict = Verdict::kDelivered;
      if (!silent) attempts_.Complete(ticket, std::move(delivered));
    }
  }

 private:
  Peers& peers_;
  const std::string url_;
  OpenAttempts& attempts_;
  std::vector<Ticket> taken_;
};

// The machine's, which a test puts forward.
class AheadClock final : public Clock {
 public:
  MonoTime Now() const override { return real_.Now() + absl::Seconds(ahead_s.load()); }
  absl::Time WallNow() const override { return real_.WallNow() + absl::Seconds(ahead_s.load()); }

  std::atomic<int> ahead_s{0};

 private:
  SystemClock real_;
};

class LinkedTransportTest : public ::testing::Test {
 protected:
  TransportDescriptor Descriptor() {
    TransportDescriptor descriptor;
    descriptor.create =
        [this](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
      const auto make = [this](const LinkContext& link) -> absl::StatusOr<std::unique_ptr<Link>> {
        if (link.endpoint.url == "x://wrong") return absl::InvalidArgumentError("url: is wrong");
        return std::make_unique<TestLink>(peers_, link);
      };
      return std::make_unique<LinkedTransport>(
          TransportContext{context.sink, clock_, context.metrics, context.log, context.threads},
          "test", make, patience_);
    };
    return descriptor;
  }
  void Block(bool blocked) {
    {
      std::lock_guard lock(peers_.mutex);
      peers_.blocked = blocked;
    }
    peers_.changed.notify_all();
  }

  bool IsBlocked() {
    std::lock_guard lock(peers_.mutex);
    return peers_.waits;
  }
  bool IsSending() {
    std::lock_guard lock(peers_.mutex);
    return !peers_.threads.empty();
  }

  AheadClock clock_;
  Peers peers_;
  absl::Duration patience_ = absl::Minutes(1);
};

// A link that was used once, and then for an hour not.
class IdleLinkTest : public LinkedTransportTest {
 protected:
  void TearDown() override { SetStays(false); }

  // An attempt of so long a time, by the clock that the transport has.
  Ticket Deliver(const Endpoint& endpoint, absl::Duration timeout) {
    testing::TransportBench::Options options;
    options.timeout = absl::Seconds(clock_.ahead_s.load()) + timeout;
    return bench_.Deliver(endpoint, options);
  }
  void UseAndForget(const Endpoint& endpoint) {
    EXPECT_EQ(bench_.sink.WaitFor(Deliver(endpoint, absl::Hours(2)))->verdict, Verdict::kDelivered);
    clock_.ahead_s += 3600;
  }
  // It looks at all links whenever it looks at a deadline.
  void WakeTheWatcher() {
    SetSilent(true);
    const auto result =
        bench_.sink.WaitFor(Deliver(EndpointAt("x://b", 2), absl::Milliseconds(20)));
    ASSERT_TRUE(result.has_value()) << "nobody keeps the deadlines";
    EXPECT_EQ(result->reason, "timed out");
    SetSilent(false);
  }
  void SetSilent(bool silent) {
    std::lock_guard lock(peers_.mutex);
    peers_.silent = silent;
  }
  void SetStays(bool stays) {
    {
      std::lock_guard lock(peers_.mutex);
      peers_.stays = stays;
    }
    peers_.changed.notify_all();
  }
  template <typename F>
  [[nodiscard]] bool WaitUntil(F&& holds) {
    std::unique_lock lock(peers_.mutex);
    return peers_.changed.wait_for(lock, std::chrono::minutes(1), holds);
  }

  testing::TransportBench bench_{Descriptor()};
};

TEST_F(IdleLinkTest, IsClosedAndMadeAgainWhereItIsWanted) {
  UseAndForget(EndpointAt("x://a", 1));
  ASSERT_NO_FATAL_FAILURE(WakeTheWatcher());
  EXPECT_TRUE(WaitUntil([this] { return !peers_.links.contains("x://a"); }));
  EXPECT_EQ(bench_.sink.WaitFor(Deliver(EndpointAt("x://a", 1), absl::Minutes(1)))->verdict,
            Verdict::kDelivered);
  EXPECT_EQ(peers_.made, 3) << "two of a, one of b";
}

TEST_F(IdleLinkTest, ThatDoesNotCloseKeepsNobodyWaitingButItsOwn) {
  const Endpoint slow = EndpointAt("x://slow", 1);
  SetStays(true);
  UseAndForget(slow);
  ASSERT_NO_FATAL_FAILURE(WakeTheWatcher());
  ASSERT_TRUE(WaitUntil([this] { return peers_.closing.contains("x://slow"); }));
  ASSERT_NO_FATAL_FAILURE(WakeTheWatcher());
  EXPECT_EQ(bench_.sink.WaitFor(Deliver(EndpointAt("x://b", 2), absl::Minutes(1)))->verdict,
            Verdict::kDelivered);
  EXPECT_EQ(bench_.sink.WaitFor(Deliver(slow, absl::Milliseconds(20)))->reason, "timed out");
  const Ticket waiting = Deliver(slow, absl::Minutes(1));
  EXPECT_EQ(peers_.made, 2) << "never two of one endpoint";
  EXPECT_EQ(bench_.sink.Completions(waiting), 0);
  SetStays(false);
  EXPECT_EQ(bench_.sink.WaitFor(waiting)->verdict, Verdict::kDelivered);
}

TEST_F(LinkedTransportTest, ItsThreadsAreNamedAndTakeNoSignals) {
  testing::TransportBench bench(Descriptor());
  bench.DeliverAndWait(EndpointAt("x://a"));
  EXPECT_THAT(peers_.threads, ElementsAre("tallybus-test"));
  EXPECT_FALSE(peers_.takes_signals);
}

TEST_F(LinkedTransportTest, AnEndpointThatBlocksKeepsNoOtherWaiting) {
  Block(true);
  testing::TransportBench bench(Descriptor());
  const Ticket slow = bench.Deliver(EndpointAt("x://slow", 1));
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt("x://b", 2)).verdict, Verdict::kDelivered);
  EXPECT_EQ(bench.sink.Completions(slow), 0);
  Block(false);
  EXPECT_EQ(bench.sink.WaitFor(slow)->verdict, Verdict::kDelivered);
}

TEST_F(LinkedTransportTest, DeadlinesAreKeptWhereThePeerBlocks) {
  Block(true);
  testing::TransportBench bench(Descriptor());
  testing::TransportBench::Options options;
  options.timeout = absl::Milliseconds(50);
  const Ticket sent = bench.Deliver(EndpointAt("x://slow"), options);
  EXPECT_EQ(bench.sink.WaitFor(sent)->reason, "timed out");
  Block(false);
}

TEST_F(LinkedTransportTest, WhatIsOverBeforeItsTurnIsNotSent) {
  Block(true);
  testing::TransportBench bench(Descriptor());
  testing::TransportBench::Options options;
  bench.Deliver(EndpointAt("x://slow"), options);
  while (!IsSending()) std::this_thread::yield();
  options.timeout = absl::Milliseconds(20);
  options.body = "too late";
  const DeliveryResult late = bench.DeliverAndWait(EndpointAt("x://slow"), options);
  EXPECT_EQ(late.reason, "timed out");
  EXPECT_TRUE(late.never_sent);
  Block(false);
  options.timeout = absl::Seconds(10);
  options.body = "in time";
  bench.DeliverAndWait(EndpointAt("x://slow"), options);
  EXPECT_THAT(peers_.bodies, ElementsAre(testing::TransportBench::Options().body, "in time"));
}

TEST_F(LinkedTransportTest, AStopEndsEveryLink) {
  peers_.silent = true;
  testing::TransportBench bench(Descriptor());
  const Ticket open = bench.Deliver(EndpointAt("x://a", 1));
  bench.Deliver(EndpointAt("x://b", 2));
  EXPECT_THAT(peers_.links, SizeIs(2));
  bench.Stop(absl::Milliseconds(10));
  EXPECT_THAT(peers_.links, SizeIs(0));
  EXPECT_TRUE(absl::IsCancelled(bench.sink.WaitFor(open)->status));
}

TEST_F(LinkedTransportTest, AStopLeavesALinkAloneThatDoesNotComeBackAndNothingOfItIsHeard) {
  patience_ = absl::Seconds(3);  // the other one comes back in it, also on a busy machine
  Block(true);
  const int before = LinksLeftAlone();
  {
    testing::TransportBench bench(Descriptor());
    bench.DeliverAndWait(EndpointAt("x://a", 1));
    const Ticket open = bench.Deliver(EndpointAt("x://slow", 2));
    while (!IsBlocked()) std::this_thread::yield();
    bench.Stop(absl::Milliseconds(10));
    EXPECT_TRUE(absl::IsCancelled(bench.sink.WaitFor(open)->status));
    EXPECT_EQ(LinksLeftAlone(), before + 1);
  }
  Block(false);  // its transport is gone, and all that it was made with
  while (LinksLeftAlone() > before) std::this_thread::yield();
  EXPECT_THAT(peers_.links, SizeIs(0));
}

TEST_F(LinkedTransportTest, WhatCannotHaveALinkIsHeld) {
  testing::TransportBench bench(Descriptor());
  const DeliveryResult result = bench.DeliverAndWait(EndpointAt("x://wrong"));
  EXPECT_EQ(result.verdict, Verdict::kHold);
  EXPECT_TRUE(result.never_sent);
}

}  // namespace
}  // namespace tallybus::parts
