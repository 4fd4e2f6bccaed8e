// Tickets: each ends once, whatever a transport does with it.
#include "delivery/in_flight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/event_builder.h"
#include "tests/support/scripted_transport.h"

namespace tallybus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

MonoTime At(int seconds) { return MonoTime::AtOffset(absl::Seconds(seconds)); }

class InFlightTest : public ::testing::Test {
 protected:
  Attempt NewAttempt(SpoolSeq seq, MonoTime deadline = At(10)) {
    auto row = std::make_shared<SpoolRow>();
    row->seq = seq;
    row->event = testing::SharedStatusEvent("a", "PUBLISHING");
    row->lane_sequence = 3;
    row->coalesced = 4;
    row->on_error = OnError::kFail;
    return {.row = std::move(row),
            .route = route,
            .lane_key = "lane",
            .lane = 9,
            .pass = {},
            .number = 2,
            .redelivery = true,
            .reordered = true,
            .deadline = deadline};
  }
  std::vector<InFlight::Completed> Drained() {
    std::vector<InFlight::Completed> completed;
    in_flight.Drain(&completed);
    return completed;
  }

  Counter stray;
  std::atomic<int> woken = 0;
  InFlight in_flight{[this] { ++woken; }, stray};
  RoutePtr route = std::make_shared<Route>();
};

TEST_F(InFlightTest, ADeliveryTellsItsAttempt) {
  const Delivery d = in_flight.Open(NewAttempt(1));
  ASSERT_THAT(d.parcels, SizeIs(1));
  const Parcel& p = d.parcels.front();
  EXPECT_EQ(p.event.name, "a");
  EXPECT_EQ(p.body, p.event.json);
  EXPECT_EQ(p.lane, "lane");
  EXPECT_EQ(p.lane_sequence, 3u);
  EXPECT_EQ(p.attempt, 2);
  EXPECT_TRUE(p.redelivery);
  EXPECT_TRUE(p.reordered);
  EXPECT_EQ(p.coalesced, 4u);
  EXPECT_TRUE(d.want_answer);
  EXPECT_EQ(d.deadline, At(10));
  EXPECT_EQ(&d.endpoint, &route->endpoint);
}

TEST_F(InFlightTest, AnAnswerIsAskedForUnderFailAndWhereSomebodyWaitsForIt) {
  const auto asks = [this](OnError on_error, bool waited_for) {
    Attempt attempt = NewAttempt(1);
    auto row = std::make_shared<SpoolRow>(*attempt.row);
    row->on_error = on_error;
    attempt.row = std::move(row);
    attempt.want_answer = waited_for;
    return in_flight.Open(std::move(attempt)).want_answer;
  };
  EXPECT_FALSE(asks(OnError::kLog, false));
  EXPECT_TRUE(asks(OnError::kLog, true));
  EXPECT_TRUE(asks(OnError::kFail, false));
}

TEST_F(InFlightTest, ACompletionComesOutOnceWithItsRow) {
  const Delivery d = in_flight.Open(NewAttempt(7));
  EXPECT_EQ(in_flight.open(), 1u);
  in_flight.Complete(d.ticket, testing::Answered(204));
  const auto completed = Drained();
  ASSERT_THAT(completed, SizeIs(1));
  EXPECT_EQ(completed[0].attempt.row->seq, 7u);
  EXPECT_EQ(completed[0].attempt.lane, 9u);
  EXPECT_EQ(completed[0].result.remote_code, 204);
  EXPECT_EQ(in_flight.open(), 0u);
  EXPECT_THAT(Drained(), IsEmpty());
}

TEST_F(InFlightTest, WakesForTheFirstCompletionAlone) {
  const Ticket a = in_flight.Open(NewAttempt(1)).ticket;
  const Ticket b = in_flight.Open(NewAttempt(2)).ticket;
  const Ticket c = in_flight.Open(NewAttempt(3)).ticket;
  in_flight.Complete(a, {});
  in_flight.Complete(b, {});
  EXPECT_EQ(woken, 1);
  Drained();
  in_flight.Complete(c, {});
  EXPECT_EQ(woken, 2);
}

TEST_F(InFlightTest, SeveralCompleteWithOneWakeUpAndAStrangerHarmsNone) {
  const Ticket a = in_flight.Open(NewAttempt(1)).ticket;
  const Ticket b = in_flight.Open(NewAttempt(2)).ticket;
  Completion done[] = {{a, testing::Answered(200)}, {Ticket{0}, {}}, {b, testing::Answered(500)}};
  in_flight.Complete(done);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(stray.Value(), 1u);
  const auto completed = Drained();
  ASSERT_THAT(completed, SizeIs(2));
  EXPECT_EQ(completed[0].result.remote_code, 200);
  EXPECT_EQ(completed[1].attempt.row->seq, 2u);
  EXPECT_EQ(completed[1].result.remote_code, 500);
}

TEST_F(InFlightTest, ASecondCompletionIsCountedAndDropped) {
  const Ticket ticket = in_flight.Open(NewAttempt(1)).ticket;
  in_flight.Complete(ticket, testing::Answered(200));
  in_flight.Complete(ticket, testing::Answered(500));
  EXPECT_EQ(stray.Value(), 1u);
  EXPECT_THAT(Drained(), SizeIs(1));
  in_flight.Complete(ticket, testing::Answered(500));
  EXPECT_EQ(stray.Value(), 2u);
  EXPECT_THAT(Drained(), IsEmpty());
}

TEST_F(InFlightTest, AnOldTicketDoesNotEndTheAttemptThatHasItsPlace) {
  const Ticket old = in_flight.Open(NewAttempt(1)).ticket;
  in_flight.Complete(old, {});
  Drained();
  const Ticket fresh = in_flight.Open(NewAttempt(2)).ticket;
  EXPECT_NE(old, fresh);
  in_flight.Complete(old, {});
  EXPECT_THAT(Drained(), IsEmpty());
  EXPECT_EQ(in_flight.open(), 1u);
  EXPECT_EQ(stray.Value(), 1u);
}

TEST_F(InFlightTest, ATicketOfNobodyIsCounted) {
  in_flight.Complete(Ticket{0}, {});
  in_flight.Complete(Ticket{~uint64_t{0}}, {});
  EXPECT_EQ(stray.Value(), 2u);
}

TEST_F(InFlightTest, TakesWhatIsOverdueAndNothingElse) {
  in_flight.Open(NewAttempt(1, At(10)));
  in_flight.Open(NewAttempt(2, At(20)));
  std::vector<InFlight::Completed> overdue;
  in_flight.TakeOverdue(At(10), &overdue);
  EXPECT_THAT(overdue, IsEmpty());
  in_flight.TakeOverdue(At(11), &overdue);
  ASSERT_THAT(overdue, SizeIs(1));
  EXPECT_EQ(overdue[0].attempt.row->seq, 1u);
  EXPECT_EQ(overdue[0].result.verdict, Verdict::kRetryLater);
  EXPECT_EQ(overdue[0].result.remote_code, 0);
  EXPECT_EQ(in_flight.open(), 1u);
  in_flight.TakeOverdue(At(11), &overdue);
  EXPECT_THAT(overdue, SizeIs(1)) << "once";
}

TEST_F(InFlightTest, AnAbandonedTicketsBytesLiveUntilItsLateCompletion) {
  const Delivery d = in_flight.Open(NewAttempt(1, At(10)));
  std::vector<InFlight::Completed> overdue;
  in_flight.TakeOverdue(At(11), &overdue);
  overdue.clear();
  for (SpoolSeq seq = 2; seq < 50; ++seq) in_flight.Open(NewAttempt(seq, At(60)));
  EXPECT_EQ(d.parcels.front().event.name, "a");
  EXPECT_EQ(d.parcels.front().body, d.parcels.front().event.json);
  in_flight.Complete(d.ticket, testing::Answered(200));
  EXPECT_EQ(stray.Value(), 1u);
  EXPECT_THAT(Drained(), IsEmpty());
  in_flight.Complete(d.ticket, testing::Answered(200));
  EXPECT_EQ(stray.Value(), 2u);
}

TEST_F(InFlightTest, ManyThreadsCompleteEachTicketOnce) {
  constexpr int kTickets = 4000;
  std::vector<Ticket> tickets;
  for (int i = 0; i < kTickets; ++i) tickets.push_back(in_flight.Open(NewAttempt(i + 1)).ticket);
  InFlight& shared = in_flight;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      // Every ticket is completed by two of the four.
      for (int i = 0; i < kTickets; ++i) {
        if (i % 2 == t % 2) shared.Complete(tickets[i], {});
      }
    });
  }
  std::vector<bool> seen(kTickets + 1, false);
  int count = 0;
  while (count < kTickets) {
    for (const auto& completed : Drained()) {
      EXPECT_FALSE(seen[completed.attempt.row->seq]);
      seen[completed.attempt.row->seq] = true;
      ++count;
    }
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Drained(), IsEmpty());
  EXPECT_EQ(stray.Value(), uint64_t{kTickets});
  EXPECT_EQ(in_flight.open(), 0u);
}

}  // namespace
}  // namespace tallybus
