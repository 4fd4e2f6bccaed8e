// A real router in this process, under load and under the sanitizers: what goes over inproc.
#include <gtest/gtest.h>
#include <tallybus/c/engine.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

tallybus_bytes Bytes(const std::string& text) { return {text.data(), text.size()}; }

class InProcessTest : public ::testing::Test {
 protected:
  InProcessTest() {
    char folder[] = "/tmp/tallybus-XXXXXX";
    file_ = std::string(mkdtemp(folder)) + "/tallybus.yaml";
    std::ofstream(file_) << "spool: { path: memory }\n"
                            "apps: { defaultApp: { url: off } }\n"
                            "log: { level: warning }\n";
    endpoint_ = "embedded:" + file_;
  }
  ~InProcessTest() override {
    unlink(file_.c_str());
    rmdir(file_.substr(0, file_.rfind('/')).c_str());
  }

  tallybus_publisher* Open(uint64_t ring_bytes = 0) {
    tallybus_publisher_options options = {};
    options.struct_size = sizeof(options);
    options.endpoint = Bytes(endpoint_);
    options.ring_bytes = ring_bytes;
    options.user = this;
    options.log = [](void* user, tallybus_log_level level, tallybus_bytes text) {
      const std::string line(text.data, text.size);
      auto* test = static_cast<InProcessTest*>(user);
      if (line.starts_with("ring full") || line.starts_with("alert EngineDropping")) {
        ++test->full_lines_;
      } else if (level == TALLYBUS_LOG_ERROR) {
        ADD_FAILURE() << line;
      }
    };
    tallybus_publisher* publisher = nullptr;
    EXPECT_EQ(tallybus_publisher_open(&options, &publisher), TALLYBUS_OK);
    return publisher;
  }

  static tallybus_status Publish(tallybus_publisher* publisher, const std::string& stream,
                                 const std::string& status) {
    tallybus_stream_status event = {};
    event.struct_size = sizeof(event);
    event.session_id = Bytes(stream);
    event.media_session_id = Bytes(stream);
    event.status = Bytes(status);
    return tallybus_publish_stream_status(publisher, &event);
  }

  static tallybus_stats StatsOf(tallybus_publisher* publisher) {
    tallybus_stats stats = {};
    stats.struct_size = sizeof(stats);
    EXPECT_EQ(tallybus_stats_get(publisher, &stats), TALLYBUS_OK);
    return stats;
  }

  // Bounded by the time that the whole test has.
  static void AwaitAcknowledged(tallybus_publisher* publisher, uint64_t events) {
    while (StatsOf(publisher).acknowledged < events) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::string file_, endpoint_;
  std::atomic<int> full_lines_{0};
};

TEST_F(InProcessTest, AFullRingHoldsTheEngineBackAndEverythingIsTaken) {
  constexpr uint64_t kEvents = 20'000;
  tallybus_publisher* publisher = Open(uint64_t{64} << 10);
  ASSERT_NE(publisher, nullptr);
  uint64_t full = 0;
  for (uint64_t i = 0; i < kEvents;) {
    const tallybus_status status = Publish(publisher, std::to_string(i % 8), "PUBLISHING");
    if (status == TALLYBUS_OK) {
      ++i;
    } else {
      ASSERT_EQ(status, TALLYBUS_FULL);
      ++full;
      std::this_thread::yield();
    }
  }
  AwaitAcknowledged(publisher, kEvents);
  EXPECT_GT(full, 0U);
  EXPECT_EQ(StatsOf(publisher).resent, 0U);
  EXPECT_GT(full_lines_, 0);
  tallybus_publisher_close(publisher, 60'000);
}

TEST_F(InProcessTest, PublishersComeAndGoOnManyThreads) {
  constexpr int kThreads = 4, kRounds = 8, kEvents = 50;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int round = 0; round < kRounds; ++round) {
        tallybus_publisher* publisher = Open();
        ASSERT_NE(publisher, nullptr);
        const std::string stream = std::to_string(thread);
        for (int i = 0; i < kEvents; ++i) {
          EXPECT_EQ(Publish(publisher, stream, i + 1 < kEvents ? "PUBLISHING" : "UNPUBLISHED"),
                    TALLYBUS_OK);
        }
        if (round % 2 == 0) AwaitAcknowledged(publisher, kEvents);
        tallybus_publisher_close(publisher, 60'000);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(InProcessTest, AnAskIsAnswered) {
  tallybus_publisher* publisher = Open();
  ASSERT_NE(publisher, nullptr);
  const std::string method = "connect", session = "s1", json = R"({"sessionId":"s1"})";
  tallybus_json_event event = {};
  event.struct_size = sizeof(event);
  event.method = Bytes(method);
  event.session_id = Bytes(session);
  event.json = Bytes(json);
  static std::atomic<int> answered;
  answered = 0;
  ASSERT_EQ(tallybus_ask(
                publisher, &event, [](void*, const tallybus_answer*) { ++answered; }, nullptr),
            TALLYBUS_OK);
  while (answered == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  tallybus_publisher_close(publisher, 1000);
  EXPECT_EQ(answered, 1);
}

}  // namespace
