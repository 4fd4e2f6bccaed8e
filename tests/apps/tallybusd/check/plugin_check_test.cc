// What plugins say when they are created, and that none is started. With real plugins:
// tests/e2e/plugin_test.py.
#include "apps/tallybusd/check/plugin_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ToldTransport final : public Transport {
 public:
  explicit ToldTransport(std::vector<std::string>* story) : story_(*story) {}
  ~ToldTransport() override { story_.emplace_back("destroyed"); }
  absl::Status Start() override {
    story_.emplace_back("started");
    return absl::OkStatus();
  }
  void Deliver(std::span<const Delivery>) override {}
  void Stop(MonoTime) override {}

 private:
  std::vector<std::string>& story_;
};

class PluginCheckTest : public ::testing::Test {
 protected:
  void Add(const std::string& scheme, const absl::Status& create, bool is_plugin = true) {
    TransportDescriptor descriptor;
    descriptor.scheme = scheme;
    descriptor.create =
        [this, create](const TransportContext&) -> absl::StatusOr<std::unique_ptr<Transport>> {
      story.emplace_back("created");
      if (!create.ok()) return create;
      return std::make_unique<ToldTransport>(&story);
    };
    ASSERT_TRUE(catalog.registry.Register(descriptor).ok());
    if (is_plugin) catalog.plugin_files[scheme] = "/" + scheme + ".so";
  }

  std::vector<std::string> story;
  TransportCatalog catalog;
  Findings found;
};

TEST_F(PluginCheckTest, APluginThatARouteUsesIsCreatedAndDestroyedAndNeverStarted) {
  Add("good", absl::OkStatus());
  CheckPlugins({"good"}, catalog, &found);
  EXPECT_THAT(found.all, IsEmpty());
  EXPECT_THAT(found.tested, ElementsAre("1 plugin"));
  EXPECT_THAT(story, ElementsAre("created", "destroyed"));
}

TEST_F(PluginCheckTest, OneThatCannotBeCreatedIsAnErrorInItsOwnWords) {
  Add("bad", absl::InvalidArgumentError("no licence"));
  Add("good", absl::OkStatus());
  CheckPlugins({"bad", "good"}, catalog, &found);
  ASSERT_EQ(found.all.size(), 1);
  EXPECT_EQ(found.all[0].weight, Weight::kError);
  EXPECT_EQ(found.all[0].text, "transport bad (/bad.so): no licence");
  EXPECT_THAT(found.tested, ElementsAre("2 plugins"));
}

TEST_F(PluginCheckTest, WhatNoRouteUsesAndWhatIsBuiltInIsNotCreated) {
  Add("idle", absl::InternalError("no"));
  Add("rest", absl::InternalError("no"), /*is_plugin=*/false);
  CheckPlugins({"rest"}, catalog, &found);
  EXPECT_THAT(found.all, IsEmpty());
  EXPECT_THAT(found.tested, IsEmpty());
  EXPECT_THAT(story, IsEmpty());
}

}  // namespace
}  // namespace tallybus::check
