// Rows that wait: order in each lane, and whose turn it is to go where there is no room.
#include "delivery/backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Waiting Ordinary(SpoolSeq seq) { return {.seq = seq, .bytes = 100, .accepted_s = 7}; }
Waiting Terminal(SpoolSeq seq) {
  return {.seq = seq, .bytes = 100, .accepted_s = 7, .terminal = true};
}

class BacklogTest : public ::testing::Test {
 protected:
  void Push(Backlog::Line& line, const Waiting& row) { backlog.Push(line, route, row); }
  // Of everything that is left.
  std::vector<SpoolSeq> Drain(Backlog::Line& line) {
    std::vector<SpoolSeq> seqs;
    while (auto row = backlog.Pop(line, route)) seqs.push_back(row->seq);
    return seqs;
  }
  SpoolSeq Shed() {
    const auto row = backlog.Shed(route);
    return row ? row->seq : 0;
  }

  Backlog backlog;
  Backlog::Sheddable route;
  Backlog::Line x, y;
};

TEST_F(BacklogTest, WhatWaitsComesOutInOrderOfItsLane) {
  EXPECT_EQ(backlog.Pop(x, route), std::nullopt);
  for (SpoolSeq seq : {1, 2, 3}) Push(x, Ordinary(seq));
  for (SpoolSeq seq : {4, 5}) Push(y, Ordinary(seq));
  EXPECT_EQ(backlog.Pop(x, route)->seq, 1u);
  Push(y, Terminal(6));
  Push(x, Ordinary(7));
  EXPECT_EQ(backlog.size(), 6u);
  EXPECT_THAT(Drain(x), ElementsAre(2, 3, 7));
  EXPECT_THAT(Drain(y), ElementsAre(4, 5, 6));
  EXPECT_TRUE(x.empty());
  Push(x, Ordinary(8));
  EXPECT_THAT(Drain(x), ElementsAre(8));
  EXPECT_EQ(backlog.size(), 0u);
}

TEST_F(BacklogTest, ARowComesBackAsItWent) {
  Push(x, {.seq = 9,
           .bytes = 12345,
           .accepted_s = 4'000'000'000,
           .terminal = true,
           .may_have_arrived = true});
  const auto row = backlog.Pop(x, route);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->bytes, 12345u);
  EXPECT_EQ(row->accepted_s, 4'000'000'000u);
  EXPECT_TRUE(row->terminal);
  EXPECT_TRUE(row->may_have_arrived);
}

TEST_F(BacklogTest, ShedsTheOldestOfTheRouteOverAllLanesButNeverATerminalOne) {
  Push(x, Ordinary(1));
  Push(y, Terminal(2));
  Push(y, Ordinary(3));
  Push(x, Ordinary(4));
  Push(x, Terminal(5));
  EXPECT_EQ(Shed(), 1u);
  EXPECT_EQ(Shed(), 3u);
  EXPECT_EQ(Shed(), 4u);
  EXPECT_EQ(Shed(), 0u);
  EXPECT_THAT(Drain(x), ElementsAre(5));
  EXPECT_THAT(Drain(y), ElementsAre(2));
}

TEST_F(BacklogTest, WhatLeftItsLaneIsNotShed) {
  for (SpoolSeq seq : {1, 2, 3}) Push(x, Ordinary(seq));
  backlog.Pop(x, route);
  EXPECT_EQ(Shed(), 2u);
  EXPECT_THAT(Drain(x), ElementsAre(3));
  EXPECT_EQ(Shed(), 0u);
}

TEST_F(BacklogTest, AnotherRoutesRowsAreNotShed) {
  Backlog::Sheddable other;
  backlog.Push(y, other, Ordinary(1));
  Push(x, Ordinary(2));
  EXPECT_EQ(Shed(), 2u);
  EXPECT_EQ(Shed(), 0u);
  EXPECT_EQ(backlog.Pop(y, other)->seq, 1u);
}

TEST_F(BacklogTest, TheLastOneIsTakenWhereItIsTheOneThatIsMeant) {
  EXPECT_EQ(backlog.TakeLast(x, route, 1), std::nullopt);
  Push(x, Ordinary(1));
  Push(x, Ordinary(2));
  EXPECT_EQ(backlog.TakeLast(x, route, 1), std::nullopt);
  EXPECT_EQ(backlog.TakeLast(x, route, 2)->seq, 2u);
  EXPECT_EQ(backlog.TakeLast(x, route, 2), std::nullopt) << "once";
  Push(x, Ordinary(3));
  EXPECT_EQ(Shed(), 1u);
  EXPECT_EQ(Shed(), 3u) << "a row that was taken is not shed too";
  EXPECT_THAT(Drain(x), IsEmpty());
}

TEST_F(BacklogTest, CompactingKeepsTheOrderAndTheOldest) {
  for (SpoolSeq seq = 1; seq <= 5000; ++seq) Push(seq % 2 == 0 ? x : y, Ordinary(seq));
  EXPECT_FALSE(backlog.WantsCompaction());
  for (int i = 0; i < 4000; ++i) Shed();
  EXPECT_TRUE(backlog.WantsCompaction());
  backlog.Compact(x);
  backlog.Compact(y);
  EXPECT_FALSE(backlog.WantsCompaction());
  EXPECT_EQ(backlog.size(), 1000u);
  Push(x, Ordinary(5001));
  EXPECT_EQ(Shed(), 4001u);
  const std::vector<SpoolSeq> left = Drain(x);
  EXPECT_EQ(left.size(), 501u);
  EXPECT_EQ(left.front(), 4002u);
  EXPECT_EQ(left.back(), 5001u);
  EXPECT_EQ(Drain(y).front(), 4003u);
}

// Against two plain lists.
TEST_F(BacklogTest, AgreesWithAModelOverManyRandomSteps) {
  std::mt19937 random(3);
  std::map<SpoolSeq, std::pair<int, bool>> model;  // lane and whether it is terminal, by age
  Backlog::Line lines[4];
  SpoolSeq last = 0;
  const auto first_of = [&](int lane) -> SpoolSeq {
    for (const auto& [seq, row] : model) {
      if (row.first == lane) return seq;
    }
    return 0;
  };
  for (int step = 0; step < 20'000; ++step) {
    const int lane = static_cast<int>(random() % 4);
    switch (random() % 5) {
      case 0:
      case 1: {
        const bool terminal = random() % 4 == 0;
        Push(lines[lane], terminal ? Terminal(++last) : Ordinary(++last));
        model[last] = {lane, terminal};
        break;
      }
      case 2: {
        const SpoolSeq expected = first_of(lane);
        const auto popped = backlog.Pop(lines[lane], route);
        ASSERT_EQ(popped ? popped->seq : 0, expected);
        model.erase(expected);
        break;
      }
      case 3: {
        SpoolSeq expected = 0;
        for (auto it = model.begin(); it != model.end() && expected == 0; ++it) {
          if (!it->second.second) expected = it->first;
        }
        ASSERT_EQ(Shed(), expected);
        model.erase(expected);
        break;
      }
      case 4:
        if (random() % 50 == 0) backlog.Compact(lines[lane]);
        break;
    }
    ASSERT_EQ(backlog.size(), model.size());
  }
}

}  // namespace
}  // namespace tallybus
