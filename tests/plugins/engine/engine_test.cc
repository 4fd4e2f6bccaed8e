// The shared object, through its header alone, against a real ROUTER socket.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <tallybus/c/engine.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "scripted_router.h"

namespace tallybus::engine {
namespace {

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    options_.struct_size = sizeof(options_);
    endpoint_ = router_.endpoint();
    options_.endpoint = Bytes(endpoint_);
    options_.node_id = Bytes("node");
    recorder_.Install(&options_);
  }
  ~EngineTest() override { tallybus_publisher_close(publisher_, 0); }

  void Open() { ASSERT_EQ(tallybus_publisher_open(&options_, &publisher_), TALLYBUS_OK); }
  tallybus_status Json(std::string_view method, std::string_view json, uint32_t flags = 0) {
    tallybus_json_event event = {};
    event.struct_size = sizeof(event);
    event.method = Bytes(method);
    event.json = Bytes(json);
    event.flags = flags;
    return tallybus_publish_json(publisher_, &event);
  }
  tallybus_status Stream(std::string_view status, std::string_view name = "b4e7") {
    tallybus_stream_status event = {};
    event.struct_size = sizeof(event);
    event.status = Bytes(status);
    event.name = Bytes(name);
    event.session_id = Bytes("s");
    event.media_session_id = Bytes("m");
    return tallybus_publish_stream_status(publisher_, &event);
  }
  tallybus_stats Stats() {
    tallybus_stats stats = {};
    stats.struct_size = sizeof(stats);
    EXPECT_EQ(tallybus_stats_get(publisher_, &stats), TALLYBUS_OK);
    return stats;
  }
  // Answers like a router that takes everything, until it has `records` of them.
  std::vector<v1::Record> Take(size_t records) {
    std::vector<v1::Record> taken;
    EXPECT_TRUE(WaitUntil([&] {
      while (const auto message = router_.Poll()) Answer(*message, &taken);
      return taken.size() >= records;
    }));
    return taken;
  }
  void Answer(const ScriptedRouter::Message& message, std::vector<v1::Record>* taken) {
    if (message.kind == v1::KIND_HELLO) router_.Welcome(1, expected_);
    if (message.kind != v1::KIND_EVENTS) return;
    const auto events = message.As<v1::Events>();
    EXPECT_EQ(events.first_sequence(), expected_);
    for (const std::string& bytes : events.records()) {
      taken->emplace_back();
      EXPECT_TRUE(taken->back().ParseFromString(bytes));
      ++expected_;
    }
    router_.Ack(expected_ - 1);
  }

  ScriptedRouter router_;
  Recorder recorder_;
  std::string endpoint_;
  tallybus_publisher_options options_ = {};
  tallybus_publisher* publisher_ = nullptr;
  uint64_t expected_ = 1;
};

TEST_F(EngineTest, CarriesEventsToTheRouterUntilTheyAreAcknowledged) {
  Open();
  tallybus_session session = {};
  session.struct_size = sizeof(session);
  session.session_id = Bytes("s");
  EXPECT_EQ(tallybus_session_open(publisher_, &session), TALLYBUS_OK);
  EXPECT_EQ(Stream("PUBLISHING"), TALLYBUS_OK);
  EXPECT_EQ(Json("ConnectionStatusEvent", "{}"), TALLYBUS_OK);
  EXPECT_EQ(tallybus_session_close(publisher_, Bytes("s")), TALLYBUS_OK);
  const std::vector<v1::Record> records = Take(4);
  EXPECT_EQ(records[0].session().action(), v1::Session::ACTION_OPEN);
  EXPECT_EQ(records[1].event().stream_status().status(), "PUBLISHING");
  EXPECT_GT(records[1].event().time_unix_us(), 1'600'000'000'000'000);
  EXPECT_EQ(records[2].event().json(), "{}");
  EXPECT_EQ(records[3].session().action(), v1::Session::ACTION_CLOSE);
  EXPECT_TRUE(WaitUntil([&] { return Stats().acknowledged == 2; }));
  EXPECT_EQ(Stats().published, 2u);
  EXPECT_TRUE(WaitUntil([&] { return Stats().ring_used == 0; }));
  EXPECT_EQ(Stats().state, uint32_t{TALLYBUS_STATE_CONNECTED});
  EXPECT_EQ(recorder_.Count("log: connecting to the router at ipc://"), 1);
  EXPECT_EQ(recorder_.Count("log: connected to the router at ipc://"), 1);
}

TEST_F(EngineTest, LosesNothingOfManyThreads) {
  Open();
  constexpr int kThreads = 4;
  constexpr int kEach = 2'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string json = std::to_string(t * kEach + i);
        while (Json("TestEvent", json) == TALLYBUS_FULL) std::this_thread::yield();
      }
    });
  }
  std::vector<int> next(kThreads, 0);
  for (const v1::Record& record : Take(kThreads * kEach)) {
    const int number = std::stoi(record.event().json());
    EXPECT_EQ(number % kEach, next[static_cast<size_t>(number / kEach)]++);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(WaitUntil([&] { return Stats().acknowledged == kThreads * kEach; }));
}

TEST_F(EngineTest, SaysFullWithoutARouterCountsAndLogsItAndStillTakesTheStop) {
  options_.ring_bytes = 64 << 10;
  router_.Stop();
  Open();
  while (Stream("PUBLISHING") == TALLYBUS_OK) {
  }
  EXPECT_EQ(Json("TestEvent", std::string(100, 'x')), TALLYBUS_FULL);
  EXPECT_EQ(Stats().dropped_full, 2u);
  EXPECT_EQ(Stream("UNPUBLISHED"), TALLYBUS_OK);
  EXPECT_EQ(Json("CallStatusEvent", "{}", TALLYBUS_TERMINAL), TALLYBUS_OK);
  EXPECT_TRUE(WaitUntil([&] { return recorder_.Has("ring full: "); }));
  router_.Start();
  const auto taken = Take(Stats().published);
  EXPECT_EQ(taken.at(taken.size() - 2).event().stream_status().status(), "UNPUBLISHED");
}

TEST_F(EngineTest, RefusesWhatIsInvalid) {
  Open();
  EXPECT_EQ(Stream(""), TALLYBUS_INVALID);
  EXPECT_EQ(Stream("PLAYING", std::string((1 << 20) + 1, 'n')), TALLYBUS_INVALID);
  EXPECT_EQ(Stream("PLAYING", std::string(1 << 20, 'n')), TALLYBUS_INVALID);
  EXPECT_EQ(Stream("PLAYING", std::string((1 << 20) - 1'000, 'n')), TALLYBUS_OK);
  EXPECT_EQ(Json("TestEvent", ""), TALLYBUS_INVALID);
  EXPECT_EQ(Json("TestEvent", "{}", 2), TALLYBUS_INVALID);
  for (const char* method : {"", "1st", "_a", "a b", "a/b", "caf\xc3\xa9"}) {
    EXPECT_EQ(Json(method, "{}"), TALLYBUS_INVALID) << method;
  }
  EXPECT_EQ(Json(std::string(65, 'm'), "{}"), TALLYBUS_INVALID);
  EXPECT_EQ(Json(std::string(64, 'm'), "{}"), TALLYBUS_OK);
  EXPECT_EQ(Json("a_b.c-9", "{}"), TALLYBUS_OK);
  EXPECT_EQ(tallybus_session_close(publisher_, {}), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_session_open(publisher_, nullptr), TALLYBUS_INVALID);
  tallybus_stream_status event = {};
  event.struct_size = sizeof(event);
  event.status = Bytes("PLAYING");
  event.sdp = {nullptr, 5};
  EXPECT_EQ(tallybus_publish_stream_status(publisher_, &event), TALLYBUS_INVALID);
  event.sdp = {};
  event.has = 1u << 8;
  EXPECT_EQ(tallybus_publish_stream_status(publisher_, &event), TALLYBUS_INVALID);
}

TEST_F(EngineTest, RefusesANullPublisherEverywhere) {
  EXPECT_EQ(tallybus_publisher_open(&options_, nullptr), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_publisher_open(nullptr, &publisher_), TALLYBUS_INVALID);
  EXPECT_EQ(Stream("PLAYING"), TALLYBUS_INVALID);
  EXPECT_EQ(Json("TestEvent", "{}"), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_session_close(nullptr, Bytes("s")), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_stats_get(nullptr, nullptr), TALLYBUS_INVALID);
  tallybus_publisher_close(nullptr, 0);
}

TEST_F(EngineTest, ReadsTheStructsOfAnOlderHeader) {
  options_.struct_size = offsetof(tallybus_publisher_options, ring_bytes);
  Open();
  tallybus_json_event event = {};
  event.struct_size = offsetof(tallybus_json_event, flags);
  event.method = Bytes("TestEvent");
  event.json = Bytes("{}");
  event.flags = 0xdead;
  EXPECT_EQ(tallybus_publish_json(publisher_, &event), TALLYBUS_OK);
  tallybus_stats stats = {};
  EXPECT_EQ(tallybus_stats_get(publisher_, &stats), TALLYBUS_INVALID) << "struct_size was not set";
}

TEST_F(EngineTest, RefusesACallThatCannotBeAskedAndDoesNotAnswerIt) {
  Open();
  const auto never = [](void*, const tallybus_answer*) { ADD_FAILURE() << "answered"; };
  tallybus_json_event event = {};
  event.struct_size = sizeof(event);
  EXPECT_EQ(tallybus_ask(publisher_, nullptr, never, nullptr), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_ask(nullptr, &event, never, nullptr), TALLYBUS_INVALID);
  EXPECT_EQ(tallybus_ask(publisher_, &event, never, nullptr), TALLYBUS_INVALID) << "no method";
  event.method = Bytes("connect");
  event.json = Bytes("{}");
  EXPECT_EQ(tallybus_ask(publisher_, &event, nullptr, nullptr), TALLYBUS_INVALID);
  const std::string large(size_t{1} << 20, 'x');
  event.json = Bytes(large);
  EXPECT_EQ(tallybus_ask(publisher_, &event, never, nullptr), TALLYBUS_INVALID) << "too large";
}

TEST_F(EngineTest, AnswersWhatIsOpenWhenItCloses) {
  Open();
  tallybus_json_event event = {};
  event.struct_size = sizeof(event);
  event.method = Bytes("connect");
  event.json = Bytes("{}");
  int answers = 0;
  const auto answered = [](void* user, const tallybus_answer* answer) {
    EXPECT_EQ(answer->struct_size, sizeof(tallybus_answer));
    EXPECT_EQ(answer->status, TALLYBUS_CLOSED);
    ++*static_cast<int*>(user);
  };
  EXPECT_EQ(tallybus_ask(publisher_, &event, answered, &answers), TALLYBUS_OK);
  EXPECT_EQ(tallybus_ask(publisher_, &event, answered, &answers), TALLYBUS_OK);
  tallybus_publisher_close(publisher_, 10);
  publisher_ = nullptr;
  EXPECT_EQ(answers, 2);
}

TEST_F(EngineTest, NamesItsStatusesAndItsVersion) {
  EXPECT_STREQ(tallybus_status_text(TALLYBUS_OK), "OK");
  EXPECT_STREQ(tallybus_status_text(TALLYBUS_FULL), "FULL");
  EXPECT_STREQ(tallybus_status_text(TALLYBUS_REFUSED), "REFUSED");
  EXPECT_EQ(tallybus_version(), 0x000100u);
}

TEST_F(EngineTest, SaysClosedInAForkedChildAndGoesOnInItsParent) {
  Open();
  const pid_t child = fork();
  if (child == 0) {
    tallybus_stats stats = {};
    stats.struct_size = sizeof(stats);
    const bool closed = Stream("PLAYING") == TALLYBUS_CLOSED &&
                        Json("TestEvent", "{}") == TALLYBUS_CLOSED &&
                        tallybus_session_close(publisher_, Bytes("s")) == TALLYBUS_CLOSED &&
                        tallybus_stats_get(publisher_, &stats) == TALLYBUS_CLOSED;
    tallybus_publisher_close(publisher_, 1'000);
    _exit(closed ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Stream("PLAYING"), TALLYBUS_OK);
  Take(1);
}

TEST_F(EngineTest, HandsClientMessagesToTheEngine) {
  Open();
  Stream("PLAYING");
  Take(1);
  v1::Client client;
  client.set_session_id("s");
  client.set_message("ErrorEvent");
  router_.Send(v1::KIND_CLIENT, client);
  EXPECT_TRUE(WaitUntil([&] { return recorder_.Has("client: ErrorEvent"); }));
}

TEST_F(EngineTest, DrainsAndSaysByeWhenItIsClosed) {
  Open();
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(Stream("PLAYING"), TALLYBUS_OK);
  auto closed =
      std::async(std::launch::async, [this] { tallybus_publisher_close(publisher_, 60'000); });
  const auto records = Take(1'001);
  EXPECT_TRUE(records.back().has_bye());
  ASSERT_EQ(closed.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  publisher_ = nullptr;
  EXPECT_FALSE(recorder_.Has("no router acknowledged"));
}

TEST_F(EngineTest, LogsHowManyEventsItLosesWhenItIsClosedWithoutARouter) {
  router_.Stop();
  Open();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Stream("PLAYING"), TALLYBUS_OK);
  tallybus_publisher_close(publisher_, 10);
  publisher_ = nullptr;
  EXPECT_TRUE(recorder_.Has("closed with 3 events that no router acknowledged"));
}

}  // namespace
}  // namespace tallybus::engine
