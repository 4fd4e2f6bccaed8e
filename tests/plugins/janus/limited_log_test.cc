// Lines that others provoke do not fill Janus's log, and nobody's text breaks out of its line.
#include "limited_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tallybus::janus {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

int64_t now_us = 0;

class LimitedLogTest : public ::testing::Test {
 protected:
  void Write(int lines) {
    for (int i = 0; i < lines; ++i) log_.Write(TALLYBUS_LOG_WARNING, "no");
  }
  std::vector<std::string> written_;
  LimitedLog log_{[this](tallybus_log_level, const std::string& line) { written_.push_back(line); },
                  [] { return now_us; }};
};

TEST_F(LimitedLogTest, TenLinesASecondAreWritten) {
  Write(1000);
  EXPECT_THAT(written_, AllOf(SizeIs(10), Each("no")));
}

TEST_F(LimitedLogTest, TheNextLineSaysHowManyWereLeftOut) {
  Write(13);
  written_.clear();
  now_us += 999'999;
  Write(1);
  EXPECT_THAT(written_, SizeIs(0));
  now_us += 1;
  Write(2);
  EXPECT_THAT(written_, ElementsAre("no (4 lines like this one were left out)", "no"));
}

TEST(PlainTextTest, ControlCharactersAndLengthAreTakenFromAText) {
  EXPECT_EQ(PlainText("a\nb\x1b[31m\x7f"), "a?b?[31m?");
  EXPECT_EQ(PlainText("schön"), "schön");
  EXPECT_THAT(PlainText(std::string(1000, 'x')), SizeIs(256));
}

}  // namespace
}  // namespace tallybus::janus
