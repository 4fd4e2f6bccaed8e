// Calls into the engine: timed, bounded, and never the end of our thread.
#include "callbacks.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "clock.h"

namespace tallybus::engine {
namespace {

std::string& Line(void* user) { return *static_cast<std::string*>(user); }

TEST(CallbacksTest, DoesNothingWhereTheEngineGaveNone) {
  Counters counters;
  Callbacks callbacks({}, &counters);
  callbacks.Log(TALLYBUS_LOG_INFO, "nobody hears");
  callbacks.State(TALLYBUS_STATE_CONNECTED, "");
  callbacks.Client({});
  callbacks.Command({});
  callbacks.ThreadStart();
  EXPECT_FALSE(callbacks.wants_client_messages());
  EXPECT_EQ(counters.slow_callbacks, 0u);
}

TEST(CallbacksTest, CutsALongLine) {
  std::string line;
  Hooks hooks;
  hooks.user = &line;
  hooks.log = [](void* user, tallybus_log_level, tallybus_bytes text) {
    Line(user).assign(text.data, text.size);
  };
  Counters counters;
  Callbacks callbacks(hooks, &counters);
  callbacks.Log(TALLYBUS_LOG_INFO, "%s", std::string(2'000, 'x').c_str());
  EXPECT_EQ(line, std::string(511, 'x'));
  callbacks.Log(TALLYBUS_LOG_INFO, "%d events", 3);
  EXPECT_EQ(line, "3 events");
}

TEST(CallbacksTest, PassesACommandOn) {
  std::string line;
  Hooks hooks;
  hooks.user = &line;
  hooks.on_command = [](void* user, tallybus_bytes session, tallybus_bytes media,
                        tallybus_bytes reason) {
    for (const tallybus_bytes& part : {session, media, reason}) {
      Line(user).append(part.data, part.size);
    }
  };
  Counters counters;
  Callbacks(hooks, &counters).Command({"a", "b", "c"});
  EXPECT_EQ(line, "abc");
}

TEST(CallbacksTest, CountsASlowOne) {
  Hooks hooks;
  hooks.on_thread_start = [](void*) {
    const int64_t start = MonotonicUs();
    while (MonotonicUs() - start < 11 * kMillisecondUs) {
    }
  };
  Counters counters;
  Callbacks(hooks, &counters).ThreadStart();
  EXPECT_EQ(counters.slow_callbacks, 1u);
}

TEST(CallbacksTest, SurvivesOneThatThrows) {
  Hooks hooks;
  hooks.on_thread_start = [](void*) { throw std::runtime_error("not allowed in C"); };
  Counters counters;
  Callbacks callbacks(hooks, &counters);
  EXPECT_NO_THROW(callbacks.ThreadStart());
}

TEST(CallbacksTest, LetsALineThroughOnceAnInterval) {
  RateLimit limit(kSecondUs);
  EXPECT_TRUE(limit.Allows(5));
  EXPECT_FALSE(limit.Allows(6));
  EXPECT_FALSE(limit.Allows(4 + kSecondUs));
  EXPECT_TRUE(limit.Allows(5 + kSecondUs));
}

}  // namespace
}  // namespace tallybus::engine
