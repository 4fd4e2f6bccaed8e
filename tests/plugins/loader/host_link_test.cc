// What a plugin calls of the router, also when there is none any more.
#include "plugins/loader/host_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tallybus::loader {
namespace {

using ::testing::ElementsAre;

class Told final : public HostCalls {
 public:
  void OnComplete(uint64_t ticket, const tallybus_result*) override {
    story.push_back("ticket " + std::to_string(ticket));
  }
  int64_t OnNow() override { return 42; }
  void OnLog(LogLevel level, std::string_view line) override {
    story.push_back(std::to_string(static_cast<int>(level)) + " " + std::string(line));
  }
  std::vector<const tallybus_delivery*> OnReady() override { return {nullptr}; }
  void OnThrew(std::string_view what) override { story.push_back("threw " + std::string(what)); }
  std::vector<std::string> story;
};

TEST(HostLinkTest, HandsCallsOn) {
  Told told;
  HostLink& link = HostLink::Attach(told);
  const tallybus_host& host = *link.host();
  EXPECT_EQ(host.struct_size, sizeof host);
  host.complete(host.self, 7, nullptr);
  host.log(host.self, TALLYBUS_LOG_WARNING, {"hm", 2});
  // As C hands it over: in C++ it is no value of the enum to begin with.
  using OfC = void (*)(void*, int, tallybus_bytes);
  reinterpret_cast<OfC>(reinterpret_cast<void (*)()>(host.log))(host.self, 77, {"odd", 3});
  host.log(host.self, TALLYBUS_LOG_INFO, {nullptr, 9});
  EXPECT_EQ(host.now_ns(host.self), 42);
  EXPECT_EQ(host.get_extension(host.self, "anything"), nullptr);
  link.Threw("up");
  EXPECT_EQ(link.TakeReady().size(), 1u);
  EXPECT_THAT(told.story, ElementsAre("ticket 7", "2 hm", "1 odd", "threw up"));
  link.Detach();
}

TEST(HostLinkTest, CallsOfAPluginThatOutlivesItsRouterDoNothing) {
  const tallybus_host* host = nullptr;
  HostLink* left = nullptr;
  {
    Told told;
    HostLink& link = HostLink::Attach(told);
    host = link.host();
    link.Detach();
    left = &link;
  }
  host->complete(host->self, 7, nullptr);
  host->log(host->self, TALLYBUS_LOG_INFO, {"x", 1});
  EXPECT_EQ(host->now_ns(host->self), 0);
  left->Threw("up");
  EXPECT_TRUE(left->TakeReady().empty()) << "it is handed nothing more";
}

TEST(HostLinkTest, WhatIsKeptStays) {
  Told told;
  HostLink& link = HostLink::Attach(told);
  const auto kept = std::make_shared<const int>(7);
  link.Keep(kept);
  link.Detach();
  EXPECT_EQ(kept.use_count(), 2);
}

}  // namespace
}  // namespace tallybus::loader
