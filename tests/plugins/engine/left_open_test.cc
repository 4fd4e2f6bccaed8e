// An engine that ends without closing, each as a process of its own with a real router in it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <tallybus/c/engine.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace {

constexpr int kAsItShould = 7;

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

tallybus_publisher* publisher = nullptr;
std::atomic<int> ends{0};  // that the engine was told of: by the publisher, by the router's log

// As an engine's main would go about it: what it registered before is run after ours.
tallybus_publisher* OpenAfter(const std::string& endpoint, void (*registered)()) {
  std::atexit(registered);
  tallybus_publisher_options options = {};
  options.struct_size = sizeof(options);
  options.endpoint = Bytes(endpoint);
  options.log = [](void*, tallybus_log_level, tallybus_bytes line) {
    ends += std::string_view(line.data, line.size).starts_with("stopped: ") ? 1 : 0;
  };
  options.on_state = [](void*, tallybus_state state, tallybus_bytes) {
    ends += state == TALLYBUS_STATE_CLOSED ? 1 : 0;
  };
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) _exit(1);
  return publisher;
}

tallybus_status Publish() {
  tallybus_stream_status event = {};
  event.struct_size = sizeof(event);
  event.media_session_id = Bytes("m1");
  event.status = Bytes("PUBLISHING");
  return tallybus_publish_stream_status(publisher, &event);
}

class LeftOpenTest : public ::testing::Test {
 protected:
  LeftOpenTest() {
    char folder[] = "/tmp/tallybus-XXXXXX";
    file_ = std::string(mkdtemp(folder)) + "/tallybus.yaml";
    std::ofstream(file_) << "spool: { path: memory }\napps: { defaultApp: { url: off } }\n";
    endpoint_ = "embedded:" + file_;
  }
  ~LeftOpenTest() override {
    unlink(file_.c_str());
    rmdir(file_.substr(0, file_.rfind('/')).c_str());
  }

  std::string file_, endpoint_;
};

TEST_F(LeftOpenTest, IsClosedByAnExitAndTakesNoMore) {
  EXPECT_EXIT(
      {
        OpenAfter(endpoint_, [] { _exit(Publish() == TALLYBUS_CLOSED ? kAsItShould : 1); });
        exit(Publish() == TALLYBUS_OK ? 0 : 2);
      },
      ::testing::ExitedWithCode(kAsItShould), "");
}

TEST_F(LeftOpenTest, CallsNothingOfAnEngineThatEnds) {
  EXPECT_EXIT(
      {
        OpenAfter(endpoint_, [] { _exit(ends == 0 ? kAsItShould : 1); });
        exit(Publish() == TALLYBUS_OK ? 0 : 2);
      },
      ::testing::ExitedWithCode(kAsItShould), "");
}

TEST_F(LeftOpenTest, IsNotClosedTwiceWhereTheEngineClosedIt) {
  EXPECT_EXIT(
      {
        const auto check = [] { _exit(ends == 2 ? kAsItShould : 1); };
        tallybus_publisher_close(OpenAfter(endpoint_, check), 1000);
        exit(0);
      },
      ::testing::ExitedWithCode(kAsItShould), "");
}

TEST_F(LeftOpenTest, MayBeClosedOnceMoreByWhatTheEngineRegistered) {
  EXPECT_EXIT(
      {
        OpenAfter(endpoint_, [] {
          tallybus_publisher_close(publisher, 1000);
          _exit(kAsItShould);
        });
        exit(0);
      },
      ::testing::ExitedWithCode(kAsItShould), "");
}

TEST_F(LeftOpenTest, OfAParentIsLeftToItByAChild) {
  EXPECT_EXIT(
      {
        // Ends the child before ASan's check for leaks, which waits for ever in a child for a lock
        // that a thread of the parent held at the fork.
        OpenAfter(endpoint_, [] { _exit(kAsItShould); });
        const pid_t child = fork();
        if (child == 0) exit(0);
        int status = 0;
        if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != kAsItShould) _exit(2);
        if (Publish() != TALLYBUS_OK) _exit(1);
        tallybus_publisher_close(publisher, 5000);
        _exit(kAsItShould);
      },
      ::testing::ExitedWithCode(kAsItShould), "");
}

}  // namespace
