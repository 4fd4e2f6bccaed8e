// The publisher behind the ABI: what it counts, and what a forked child may do with it.
#include "publisher.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "scripted_router.h"

namespace tallybus::engine {
namespace {

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() {
    settings_.endpoint = router_.endpoint();
    settings_.ring_bytes = 64 << 10;
  }
  void Open() { ASSERT_EQ(tallybus_publisher::Open(settings_, &publisher_), TALLYBUS_OK); }
  tallybus_status Put(std::string_view json, uint32_t flags = 0) {
    tallybus_json_event event = {};
    event.method = Bytes("TestEvent");
    event.json = Bytes(json);
    event.flags = flags;
    return publisher_->Put(JsonEventRecord(event, 1));
  }
  void TearDown() override {
    if (publisher_) publisher_->Close(0);
  }

  ScriptedRouter router_;
  Settings settings_;
  std::unique_ptr<tallybus_publisher> publisher_;
};

TEST_F(PublisherTest, SaysInvalidToAnEndpointThatLibzmqDoesNotTake) {
  settings_.endpoint = "tcp://nowhere";
  EXPECT_EQ(tallybus_publisher::Open(settings_, &publisher_), TALLYBUS_INVALID);
  EXPECT_EQ(publisher_, nullptr);
}

TEST_F(PublisherTest, CountsWhatTheRingTakesAndWhatItDrops) {
  Open();
  const std::string kilobyte(1'000, 'x');
  uint64_t taken = 0;
  while (Put(kilobyte) == TALLYBUS_OK) ++taken;
  EXPECT_EQ(Put(kilobyte), TALLYBUS_FULL);
  const tallybus_stats stats = publisher_->Stats();
  EXPECT_EQ(stats.published, taken);
  EXPECT_EQ(stats.dropped_full, 2u);
  EXPECT_EQ(stats.ring_bytes, 64u << 10);
  EXPECT_GT(stats.ring_used, 50u << 10);
}

TEST_F(PublisherTest, TakesTheEndOfAStreamWhereAnotherEventIsDropped) {
  Open();
  while (Put("{}") == TALLYBUS_OK) {
  }
  EXPECT_EQ(Put("{}", TALLYBUS_TERMINAL), TALLYBUS_OK);
  tallybus_session session = {};
  session.session_id = Bytes("s");
  EXPECT_EQ(publisher_->Put(SessionRecord::Close(session)), TALLYBUS_OK);
  EXPECT_EQ(Put("{}"), TALLYBUS_FULL);
}

TEST_F(PublisherTest, SaysInvalidToARecordThatTheRingCanNeverTake) {
  Open();
  EXPECT_EQ(Put(std::string(40'000, 'x')), TALLYBUS_INVALID);
  EXPECT_EQ(Put(std::string(20'000, 'x')), TALLYBUS_OK);
}

TEST_F(PublisherTest, IsClosedInAForkedChildAndOpenInItsParent) {
  Open();
  const pid_t child = fork();
  if (child == 0) _exit(publisher_->IsOpen() || publisher_->IsOurs() ? 1 : 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(publisher_->IsOpen());
}

}  // namespace
}  // namespace tallybus::engine
