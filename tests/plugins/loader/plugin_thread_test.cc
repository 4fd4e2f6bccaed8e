// A thread whose calls may never come back.
#include "plugins/loader/plugin_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace tallybus::loader {
namespace {

TEST(PluginThreadTest, RunsOneCallAfterTheOther) {
  std::vector<int> order;
  PluginThread thread("test");
  thread.Post([&] { order.push_back(1); });
  thread.Post([&] { order.push_back(2); });
  EXPECT_TRUE(thread.Call([&] { order.push_back(3); }, absl::Seconds(60)));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_FALSE(thread.is_stuck());
}

TEST(PluginThreadTest, WhatWasPostedRunsBeforeItEnds) {
  bool ran = false;
  {
    PluginThread thread("test");
    thread.Post([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(PluginThreadTest, ACallThatDoesNotComeBackIsLeftAloneAndNothingRunsBehindIt) {
  const auto let_go = std::make_shared<std::promise<void>>();
  const auto owned = std::make_shared<int>(7);
  const int before = StuckThreads();
  {
    PluginThread thread("test");
    std::promise<void> entered;
    thread.Post([let_go, &entered] {
      entered.set_value();
      let_go->get_future().wait();
    });
    entered.get_future().wait();
    EXPECT_FALSE(thread.Call([owned] { ADD_FAILURE() << "it is not called any more"; },
                             absl::Milliseconds(1)));
    EXPECT_TRUE(thread.is_stuck());
    EXPECT_EQ(owned.use_count(), 1) << "what will never run holds nothing";
    EXPECT_FALSE(thread.Call([] { ADD_FAILURE(); }, absl::Milliseconds(1)));
    thread.Post([] { ADD_FAILURE(); });
  }
  EXPECT_EQ(StuckThreads(), before + 1);
  let_go->set_value();
  while (StuckThreads() > before) std::this_thread::yield();  // it comes back, and ends
}

}  // namespace
}  // namespace tallybus::loader
