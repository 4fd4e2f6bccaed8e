// What is got ready on a thread of its own is taken once, by whoever asked for it.
#include "preparation.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

namespace tallybus {
namespace {

// A preparation that waits to be let go, and counts itself.
struct Held {
  std::promise<void> let_go;
  std::shared_future<void> may_go{let_go.get_future()};
  int begun = 0;
  std::promise<void> ready;
  int rung = 0;
  Preparation<std::string> preparation{[this] {
                                         may_go.wait();
                                         return std::to_string(++begun);
                                       },
                                       [this] {
                                         if (++rung == 1) ready.set_value();
                                       }};
};

TEST(PreparationTest, IsTakenOnceWhenItIsReadyAndHoldsNobodyUpBefore) {
  Held held;
  held.preparation.Begin();
  EXPECT_EQ(held.preparation.Take(), std::nullopt);
  held.let_go.set_value();
  held.ready.get_future().wait();
  EXPECT_EQ(held.preparation.Take(), "1");
  EXPECT_EQ(held.preparation.Take(), std::nullopt);
}

TEST(PreparationTest, WhatIsAskedForMeanwhileIsDoneOnceMoreAfterwards) {
  Held held;
  held.preparation.Begin();
  held.preparation.Begin();
  held.preparation.Begin();
  held.let_go.set_value();
  held.ready.get_future().wait();
  EXPECT_EQ(held.preparation.Take(), "1");
  held.preparation.Wait();
  EXPECT_EQ(held.rung, 2);
}

TEST(PreparationTest, ItsEndWaitsForWhatIsUnderWay) {
  int begun = 0;
  {
    Held held;
    held.preparation.Begin();
    held.let_go.set_value();
    held.preparation.Wait();
    begun = held.begun;
  }
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace tallybus
