// The transports of a daemon: started together or not at all, and stopped.
#include "transport_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/transport_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

// Writes down what becomes of it.
class ToldTransport final : public Transport {
 public:
  ToldTransport(std::string name, absl::Status start, std::vector<std::string>* story)
      : name_(std::move(name)), start_(std::move(start)), story_(*story) {}
  ~ToldTransport() override { story_.push_back("-" + name_); }
  absl::Status Start() override {
    story_.push_back(name_ + " starts");
    return start_;
  }
  void Deliver(std::span<const Delivery>) override {}
  void Stop(MonoTime) override { story_.push_back(name_ + " stops"); }

 private:
  const std::string name_;
  const absl::Status start_;
  std::vector<std::string>& story_;
};

class TransportSetTest : public ::testing::Test {
 protected:
  void Register(const std::string& scheme, const absl::Status& start = absl::OkStatus()) {
    TransportDescriptor descriptor;
    descriptor.scheme = scheme;
    descriptor.create = [this, scheme, start](
                            const TransportContext&) -> absl::StatusOr<std::unique_ptr<Transport>> {
      return std::make_unique<ToldTransport>(scheme, start, &story);
    };
    descriptor.credentials_end = [](const Endpoint&) { return absl::FromUnixSeconds(7); };
    ASSERT_TRUE(catalog.registry.Register(descriptor).ok());
  }

  std::vector<std::string> story;
  RecordingSink sink;
  SystemClock clock;
  Metrics metrics;
  SilentLog log;
  TransportCatalog catalog;
  TransportSet transports{TransportContext{sink, clock, metrics, log}};
};

TEST_F(TransportSetTest, StartsWhatDoesNotRunAndLeavesTheRestAlone) {
  Register("a");
  Register("b");
  ASSERT_TRUE(transports.Start(catalog, {"a"}).ok());
  ASSERT_TRUE(transports.Start(catalog, {"a", "b"}).ok());
  ASSERT_TRUE(transports.Start(catalog, {"b"}).ok());
  EXPECT_THAT(story, ElementsAre("a starts", "b starts"));
  EXPECT_THAT(transports.all(), ElementsAre(Key("a"), Key("b")));
  transports.Stop(clock.Now());
  EXPECT_THAT(story, ElementsAre("a starts", "b starts", "a stops", "b stops"));
}

TEST_F(TransportSetTest, OneThatCannotStartTakesTheFreshOnesBackAndNoOthers) {
  Register("a");
  Register("b");
  Register("c", absl::UnavailableError("no port is free"));
  ASSERT_TRUE(transports.Start(catalog, {"a"}).ok());
  const absl::Status failed = transports.Start(catalog, {"a", "b", "c"});
  EXPECT_EQ(std::string(failed.message()), "transport c: no port is free");
  EXPECT_THAT(story, ElementsAre("a starts", "b starts", "c starts", "-c", "-b"));
  EXPECT_THAT(transports.all(), ElementsAre(Key("a")));
  EXPECT_FALSE(transports.Start(catalog, {"unknown"}).ok());
}

TEST_F(TransportSetTest, AnotherFileForWhatRunsIsRefused) {
  Register("a");
  catalog.plugin_files["a"] = "/old.so";
  ASSERT_TRUE(transports.Start(catalog, {"a"}).ok());
  EXPECT_TRUE(transports.Start(catalog, {"a"}).ok());
  catalog.plugin_files["a"] = "/new.so";
  EXPECT_EQ(std::string(transports.Start(catalog, {"a"}).message()),
            "transport a: it runs from another file, and is changed by a restart alone");
}

TEST_F(TransportSetTest, ARouteIsToldOfItsOwnCredentials) {
  Register("a");
  ASSERT_TRUE(transports.Start(catalog, {"a"}).ok());
  Route route;
  route.transport = transports.all().at("a");
  EXPECT_EQ(*transports.CredentialsEnd(route), absl::FromUnixSeconds(7));
  route.transport = nullptr;
  EXPECT_EQ(*transports.CredentialsEnd(route), absl::InfiniteFuture());
}

}  // namespace
}  // namespace tallybus::testing
