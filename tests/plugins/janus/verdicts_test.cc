// What is done where the backend says no, and what the log says of it.
#include "verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tallybus::janus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecordingAdmin : public Admin {
 public:
  void EndSession(std::string session_id) override { calls.push_back("end " + session_id); }
  void HangUp(std::string session_id, std::string handle_id) override {
    calls.push_back("hang up " + session_id + " " + handle_id);
  }
  std::vector<std::string> calls;
};

class VerdictsTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_;
  LimitedLog log_{[this](tallybus_log_level, const std::string& line) { lines_.push_back(line); },
                  [] { return int64_t{0}; }};
  RecordingAdmin admin_;
  Verdicts verdicts_{&admin_, log_};
  Verdicts powerless_{nullptr, log_};
};

TEST_F(VerdictsTest, ADeclinedSessionIsEndedAndTheLogSaysWhy) {
  verdicts_.EndSession("101", "no such\nuser");
  EXPECT_THAT(admin_.calls, ElementsAre("end 101"));
  EXPECT_THAT(lines_, ElementsAre("session 101 is declined: no such?user"));
}

TEST_F(VerdictsTest, ACommandHangsUpTheHandleOfItsMediaSession) {
  const std::string id = "101-201-3";
  const std::string reason = "Forbidden";
  Verdicts::OnCommand(&verdicts_, {"101", 3}, {id.data(), id.size()},
                      {reason.data(), reason.size()});
  EXPECT_THAT(admin_.calls, ElementsAre("hang up 101 201"));
  EXPECT_THAT(lines_, ElementsAre("the backend ends stream 101-201-3: Forbidden"));
}

TEST_F(VerdictsTest, AForeignMediaSessionIsLeftAlone) {
  verdicts_.EndStream("../../x", "Forbidden");
  EXPECT_THAT(admin_.calls, IsEmpty());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("none of this Janus")));
}

TEST_F(VerdictsTest, WithoutAnAdminApiTheLogSaysWhatIsNeeded) {
  powerless_.EndStream("101-201", "Forbidden");
  powerless_.EndSession("101", "Forbidden");
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("101-201"), HasSubstr("general.admin_url")),
                                  AllOf(HasSubstr("101"), HasSubstr("general.admin_url"))));
}

TEST_F(VerdictsTest, EveryVerdictIsCarriedOutThoughTheLogIsLimited) {
  for (int i = 0; i < 50; ++i) verdicts_.EndSession("101", "Forbidden");
  EXPECT_EQ(admin_.calls.size(), 50U);
  EXPECT_EQ(lines_.size(), 10U);
}

}  // namespace
}  // namespace tallybus::janus
