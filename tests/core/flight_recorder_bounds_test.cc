// However many events and whatever their names: bounded memory, and an index that stays true.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <random>

#include "flight_recorder.h"
#include "tests/support/manual_clock.h"

// The program's own count of what it holds; it has one thread.
static size_t g_bytes = 0;
static size_t g_allocations = 0;

void* operator new(size_t size) {
  void* place = std::malloc(size);
  if (place == nullptr) std::abort();
  g_bytes += malloc_usable_size(place);
  ++g_allocations;
  return place;
}
void operator delete(void* place) noexcept {
  if (place != nullptr) g_bytes -= malloc_usable_size(place);
  std::free(place);
}
void operator delete(void* place, size_t) noexcept { operator delete(place); }
// A sanitizer's own arrays would not come by the two above.
void* operator new[](size_t size) { return operator new(size); }
void operator delete[](void* place) noexcept { operator delete(place); }
void operator delete[](void* place, size_t) noexcept { operator delete(place); }

namespace tallybus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kMax = FlightRecorder::kMaxEvents;

class FlightRecorderBoundsTest : public ::testing::Test {
 protected:
  absl::Time Now() const { return clock_.WallNow(); }

  Event NewEvent(uint64_t sequence) {
    Event event;
    event.id = {7, sequence};
    event.name = absl::StrCat("cam", sequence);
    event.media_session_id = absl::StrCat("5f0c2a34-9d1e-4b7c-8a55-", sequence);
    event.session_id = absl::StrCat("/10.0.0.1:", 10000 + sequence, "/10.0.0.2:8443-");
    event.app_key = "defaultApp";
    event.method = kStreamStatusEvent;
    event.status = "PUBLISHING";
    return event;
  }
  Event HostileEvent(uint64_t sequence) {
    Event event = NewEvent(sequence);
    for (std::string* text : {&event.name, &event.media_session_id, &event.session_id,
                              &event.app_key, &event.method, &event.status}) {
      *text = absl::StrCat(std::string(4096, '\x1b'), sequence);
    }
    return event;
  }
  void Deliver(const Event& event, std::string_view route = "defaultApp/backend") {
    const uint64_t row = ++row_;
    recorder_->Accepted(event, Now());
    recorder_->ToClients(event.id, ClientOutcome::kTold, Now());
    recorder_->Spooled(event.id, {row, route, event.name, 1}, Now());
    recorder_->Attempted(row, 1, Now());
    recorder_->Settled(row, Fate::kDelivered, Now());
  }
  size_t Used() const { return g_bytes - before_; }

  testing::ManualClock clock_;
  size_t before_ = g_bytes;
  std::unique_ptr<FlightRecorder> recorder_ = std::make_unique<FlightRecorder>();
  uint64_t row_ = 0;
};

TEST_F(FlightRecorderBoundsTest, AnIdleDaemonPaysNothing) {
  EXPECT_LT(Used(), 4096u);
  EXPECT_LT(recorder_->MemoryBytes(), 4096u);
}

TEST_F(FlightRecorderBoundsTest, ForgetsTheOldestEventAndItsRows) {
  for (uint64_t i = 1; i <= kMax; ++i) Deliver(NewEvent(i));
  EXPECT_THAT(recorder_->Find("cam1", 10).events, SizeIs(1));
  EXPECT_EQ(recorder_->events(), kMax);
  Deliver(NewEvent(kMax + 1));
  EXPECT_EQ(recorder_->events(), kMax);
  EXPECT_THAT(recorder_->Find("cam1", 10).events, IsEmpty());
  EXPECT_THAT(recorder_->Find("0000000000000007-1", 10).events, IsEmpty());
  EXPECT_THAT(recorder_->Find("cam2", 10).events, SizeIs(1));
  recorder_->Attempted(1, 2, Now());  // its row is not another's
  EXPECT_EQ(recorder_->Find("cam2", 1).events[0].routes.at(0).last.number, 1);
  EXPECT_THAT(recorder_->Find(absl::StrCat("cam", kMax + 1), 10).events, SizeIs(1));
}

TEST_F(FlightRecorderBoundsTest, StaysAsLargeAsItSaysWhenItIsFull) {
  for (uint64_t i = 1; i <= kMax; ++i) Deliver(NewEvent(i));
  const size_t full = Used();
  EXPECT_LT(full, size_t{18} << 20);
  EXPECT_LE(full, recorder_->MemoryBytes());
  EXPECT_LT(recorder_->MemoryBytes(), full + full / 5);
  for (uint64_t i = kMax + 1; i <= 4 * kMax; ++i) Deliver(NewEvent(i));
  EXPECT_LT(Used(), full + full / 10);
}

TEST_F(FlightRecorderBoundsTest, HostileNamesRoutesAndReasonsStayBelowItsBound) {
  const std::string long_text(4096, 'x');
  for (uint64_t i = 1; i <= kMax / 2; ++i) {
    const Event event = HostileEvent(i);
    for (int copy = 0; copy < 3; ++copy) {
      Deliver(event, absl::StrCat(i, copy, long_text));
      const std::string info = absl::StrCat(i, "f", copy, long_text);
      recorder_->Failed(row_, {.attempt = 1, .http_status = 500, .info = info}, Now());
      recorder_->Spooled(event.id, {++row_, info, info, 1}, Now());
    }
    if (i % 16 != 0) continue;
    for (int change = 0; change < 40; ++change) {
      const auto state = change % 2 == 0 ? EndpointState::kHeld : EndpointState::kOpenForBusiness;
      recorder_->EndpointChanged(absl::StrCat("r", i), state, absl::StrCat(i, change), Now());
    }
  }
  EXPECT_LT(Used(), FlightRecorder::kMaxBytes);
  EXPECT_LT(recorder_->MemoryBytes(), FlightRecorder::kMaxBytes);
  EXPECT_EQ(recorder_->events(), kMax);
}

TEST_F(FlightRecorderBoundsTest, AFailureOfEveryWayOfHostileEventsStaysBelowItsBound) {
  const std::string long_text(4096, 'x');
  uint64_t row = 0;
  for (uint64_t i = 1; i <= 2 * kMax; ++i) {
    const Event event = HostileEvent(i);
    recorder_->Accepted(event, Now());
    for (const char* route : {"a", "b"}) {
      recorder_->Spooled(event.id, {++row, route, long_text, 1}, Now());
      recorder_->Failed(row, {.attempt = 1, .info = absl::StrCat(row, long_text)}, Now());
      recorder_->Buried(row, absl::StrCat(row, "why", long_text));
    }
  }
  EXPECT_LT(Used(), FlightRecorder::kMaxBytes);
  EXPECT_LE(Used(), recorder_->MemoryBytes());
  EXPECT_LT(recorder_->MemoryBytes(), FlightRecorder::kMaxBytes);
  const TracedEvent last = recorder_->Find(EventId{7, 2 * kMax}.ToString(), 1).events.at(0);
  ASSERT_THAT(last.routes, SizeIs(2));
  EXPECT_EQ(last.routes[1].first.number, 1);
}

TEST_F(FlightRecorderBoundsTest, WhatFailedIsForgottenWithItsEvent) {
  const auto fail = [this](uint64_t sequence) {
    Deliver(NewEvent(sequence));
    recorder_->Failed(row_, {.attempt = 1, .info = "connection refused"}, Now());
  };
  for (uint64_t i = 1; i <= kMax; ++i) fail(i);
  const size_t full = Used();
  for (uint64_t i = kMax + 1; i <= 3 * kMax; ++i) fail(i);
  EXPECT_LT(Used(), full + full / 10);
  // Those that come then do not take over what these had.
  Deliver(NewEvent(4 * kMax));
  const TracedEvent last = recorder_->Find(EventId{7, 4 * kMax}.ToString(), 1).events.at(0);
  EXPECT_EQ(last.routes.at(0).last.failed, absl::InfinitePast());
  EXPECT_EQ(last.routes.at(0).last.info, "");
}

TEST_F(FlightRecorderBoundsTest, GivesBackAllThatItTook) {
  for (uint64_t i = 1; i <= 1000; ++i) Deliver(NewEvent(i));
  recorder_.reset();
  EXPECT_EQ(Used(), 0u);
}

TEST_F(FlightRecorderBoundsTest, AnAttemptAllocatesNothing) {
  Deliver(NewEvent(1));
  recorder_->Failed(1, {.attempt = 1, .info = "connection refused"}, Now());
  const size_t allocations = g_allocations;
  for (int attempt = 2; attempt < 1000; ++attempt) {
    recorder_->Attempted(1, attempt, Now());
    recorder_->Failed(1, {.attempt = attempt, .info = "connection refused"}, Now());
  }
  EXPECT_EQ(g_allocations, allocations);
}

TEST_F(FlightRecorderBoundsTest, AnEventOfVeryManyRoutesKeepsTheNewestAndSaysSo) {
  const Event event = NewEvent(1);
  recorder_->Accepted(event, Now());
  for (uint64_t row = 1; row <= FlightRecorder::kMaxWays + 1; ++row) {
    recorder_->Spooled(event.id, {row, "r", "l", row}, Now());
  }
  const TracedEvent found = recorder_->Find("cam1", 1).events.at(0);
  EXPECT_TRUE(found.routes_forgotten);
  EXPECT_THAT(found.routes, SizeIs(FlightRecorder::kMaxWays));
  EXPECT_EQ(found.routes.front().row, 2u);
  recorder_->Settled(1, Fate::kShed, Now());
  EXPECT_EQ(recorder_->Find("cam1", 1).events.at(0).routes.front().fate, std::nullopt);
}

TEST_F(FlightRecorderBoundsTest, KeepsTheNewestChangesOfAnEndpoint) {
  Deliver(NewEvent(1));
  for (int i = 0; i < 200; ++i) {
    clock_.Advance(absl::Seconds(1));
    recorder_->EndpointChanged(
        "other", i % 2 ? EndpointState::kOpenForBusiness : EndpointState::kBreakerOpen,
        absl::StrCat(i), Now());
  }
  recorder_->Spooled({7, 1}, {99, "other", "l", 1}, Now() - absl::Hours(1));
  const Trace trace = recorder_->Find("cam1", 1);
  EXPECT_THAT(trace.endpoints, SizeIs(FlightRecorder::kMaxEndpointChanges));
  EXPECT_EQ(trace.endpoints.back().reason, "199");
}

// A plain model of the same: what was accepted last under each id, and where each row went.
class Model {
 public:
  struct Way {
    uint64_t row;
    int attempts = 0;
    std::optional<Fate> fate;
  };
  struct Record {
    EventId id;
    std::string name;
    std::vector<Way> ways;
  };

  void Accepted(const Event& event) {
    records_.push_back({event.id, event.name, {}});
    if (records_.size() > kMax) records_.pop_front();
  }
  Record* Newest(const EventId& id) {
    auto found = std::find_if(records_.rbegin(), records_.rend(),
                              [&id](const Record& record) { return record.id == id; });
    return found == records_.rend() ? nullptr : &*found;
  }
  const std::deque<Record>& records() const { return records_; }

 private:
  std::deque<Record> records_;
};

TEST_F(FlightRecorderBoundsTest, AgreesWithAPlainModelAfterManyTurnsOfTheRing) {
  std::minstd_rand random(20260131);
  Model model;
  uint64_t sequence = 0;
  for (int turn = 0; turn < 3 * static_cast<int>(kMax); ++turn) {
    // One in eight ids comes a second time, some of them long after the first.
    const bool again = sequence > 0 && random() % 8 == 0;
    const Event event = NewEvent(again ? 1 + random() % sequence : ++sequence);
    recorder_->Accepted(event, Now());
    model.Accepted(event);
    Model::Record& record = const_cast<Model::Record&>(model.records().back());
    for (uint64_t ways = random() % 3; ways > 0; --ways) {
      const uint64_t row = ++row_;
      recorder_->Spooled(event.id, {row, ways == 1 ? "a" : "b", event.name, row}, Now());
      record.ways.push_back({row, 0, std::nullopt});
      for (; random() % 2 == 0; ++record.ways.back().attempts) {
        recorder_->Attempted(row, record.ways.back().attempts + 1, Now());
      }
      if (random() % 2 == 0) continue;
      recorder_->Settled(row, Fate::kDelivered, Now());
      record.ways.back().fate = Fate::kDelivered;
    }
  }
  for (uint64_t i = 0; i < 1000; ++i) {
    const EventId id = {7, 1 + random() % sequence};
    const Trace found = recorder_->Find(id.ToString(), 1);
    const Model::Record* expected = model.Newest(id);
    ASSERT_EQ(found.events.size(), expected == nullptr ? 0u : 1u) << id.ToString();
    if (expected == nullptr) continue;
    ASSERT_EQ(found.events[0].name, expected->name);
    ASSERT_EQ(found.events[0].routes.size(), expected->ways.size());
    for (size_t way = 0; way < expected->ways.size(); ++way) {
      ASSERT_EQ(found.events[0].routes[way].row, expected->ways[way].row);
      ASSERT_EQ(found.events[0].routes[way].last.number, expected->ways[way].attempts);
      ASSERT_EQ(found.events[0].routes[way].fate, expected->ways[way].fate);
    }
  }
}

}  // namespace
}  // namespace tallybus
