// Sessions, their configs, and how long they are remembered.
#include "tallybus/session_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/recording_log.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kFail[] = R"({"StreamStatusEvent":{"restOnError":"FAIL"}})";

class SessionTableTest : public ::testing::Test {
 protected:
  void Close(const std::string& id) {
    table.Apply({SessionChange::Action::kClose, id, "", std::nullopt}, now);
  }
  bool Fails(const std::string& id) {
    const auto config = table.Config(id);
    return config && config->For("StreamStatusEvent").on_error == OnError::kFail;
  }

  MonoTime now = MonoTime::AtOffset(absl::Seconds(1000));
  testing::RecordingLog log;
  SessionTable table{log};
};

TEST_F(SessionTableTest, AnUnknownSessionHasNoConfig) {
  EXPECT_EQ(table.Config("s"), nullptr);
  Close("s");
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(SessionTableTest, ASessionHasTheConfigThatItBroughtLast) {
  table.Apply(testing::OpenSession("s", kFail), now);
  EXPECT_TRUE(Fails("s"));
  table.Apply({SessionChange::Action::kUpdate, "s", "", "{}"}, now);
  ASSERT_NE(table.Config("s"), nullptr);
  EXPECT_FALSE(Fails("s"));
}

TEST_F(SessionTableTest, ASessionWithoutAConfigLeavesItToItsApp) {
  table.Apply({SessionChange::Action::kOpen, "s", "", std::nullopt}, now);
  EXPECT_EQ(table.Config("s"), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST_F(SessionTableTest, EqualConfigsAreKeptOnce) {
  table.Apply(testing::OpenSession("s", kFail), now);
  table.Apply(testing::OpenSession("t", kFail), now);
  EXPECT_EQ(table.Config("s"), table.Config("t"));
}

TEST_F(SessionTableTest, AClosedSessionServesSixtySecondsMore) {
  table.Apply(testing::OpenSession("s", kFail), now);
  Close("s");
  table.Prune(now + absl::Milliseconds(59'999));
  EXPECT_TRUE(Fails("s"));
  table.Prune(now + absl::Seconds(60));
  EXPECT_EQ(table.Config("s"), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(SessionTableTest, ASessionThatOpensAgainStays) {
  table.Apply(testing::OpenSession("s", kFail), now);
  Close("s");
  table.Apply(testing::OpenSession("s", kFail), now + absl::Seconds(1));
  table.Prune(now + absl::Hours(1));
  EXPECT_TRUE(Fails("s"));
}

TEST_F(SessionTableTest, TheLastCloseDecides) {
  table.Apply(testing::OpenSession("s", kFail), now);
  Close("s");
  now = now + absl::Seconds(30);
  Close("s");
  table.Prune(now + absl::Seconds(30));
  EXPECT_TRUE(Fails("s"));
  table.Prune(now + absl::Seconds(60));
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(SessionTableTest, WarnsWithSessionAndKeyButNeverAValue) {
  table.Apply(testing::OpenSession("s\n1", R"({"StreamStatusEvent":{"tokn":"secret"}})"), now);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("\"tokn\"")));
  EXPECT_THAT(log.Text(), HasSubstr("s\\x0a1"));
  EXPECT_THAT(log.Text(), Not(HasSubstr("secret")));
  EXPECT_THAT(log.levels(), ElementsAre(LogLevel::kWarning));
  table.Apply(testing::OpenSession("t", R"({"StreamStatusEvent":{"tokn":"secret"}})"), now);
  EXPECT_THAT(log.lines(), SizeIs(1)) << "a config that is known is not read again";
}

TEST_F(SessionTableTest, AConfigThatIsNoJsonLeavesTheDefaults) {
  table.Apply(testing::OpenSession("s", "{oops"), now);
  ASSERT_NE(table.Config("s"), nullptr);
  EXPECT_FALSE(Fails("s"));
  EXPECT_THAT(log.lines(), Not(IsEmpty()));
}

TEST_F(SessionTableTest, ForgetsManySessionsAndTheirConfigs) {
  for (int i = 0; i < 1000; ++i) {
    const std::string id = std::to_string(i);
    table.Apply(
        testing::OpenSession(id, R"({"StreamStatusEvent":{"restExclude":")" + id + R"("}})"), now);
    Close(id);
  }
  table.Prune(now + absl::Seconds(61));
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace tallybus
