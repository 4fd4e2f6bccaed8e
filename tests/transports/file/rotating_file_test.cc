// A file of lines on a real disk.
#include "transports/file/rotating_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/scratch_directory.h"

namespace tallybus::file {
namespace {

class RotatingFileTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& suffix = "") const {
    return folder_.path() + "/events" + suffix;
  }
  std::string Read(const std::string& suffix = "") const {
    std::ifstream file(Path(suffix));
    std::stringstream text;
    text << file.rdbuf();
    return file ? text.str() : "(none)";
  }
  void Write(const std::string& text) const { std::ofstream(Path()) << text; }

  testing::ScratchDirectory folder_;
};

TEST_F(RotatingFileTest, AppendsToWhatIsThere) {
  Write("old\n");
  RotatingFile file({.path = Path()});
  EXPECT_TRUE(file.Append("a\nb\n").ok());
  EXPECT_TRUE(file.Append("c\n").ok());
  EXPECT_EQ(Read(), "old\na\nb\nc\n");
}

TEST_F(RotatingFileTest, ALineThatACrashCutIsEndedBeforeTheNextOne) {
  Write("whole\n{\"half");
  RotatingFile file({.path = Path()});
  EXPECT_TRUE(file.Append("next\n").ok());
  EXPECT_EQ(Read(), "whole\n{\"half\nnext\n");
}

TEST_F(RotatingFileTest, IsPutAsideBeforeALineWouldMakeItTooLarge) {
  RotatingFile file({.path = Path(), .rotate_size = 8, .keep = 2});
  EXPECT_TRUE(file.Append("111\n222\n333\n").ok());
  EXPECT_EQ(Read(".1"), "111\n222\n");
  EXPECT_EQ(Read(), "333\n");
  EXPECT_TRUE(file.Append("444\n555\n").ok());
  EXPECT_EQ(Read(".2"), "111\n222\n");
  EXPECT_EQ(Read(".1"), "333\n444\n");
  EXPECT_EQ(Read(), "555\n");
}

TEST_F(RotatingFileTest, KeepsNoMoreThanItShould) {
  RotatingFile file({.path = Path(), .rotate_size = 4, .keep = 2});
  for (const char* line : {"111\n", "222\n", "333\n", "444\n"}) {
    EXPECT_TRUE(file.Append(line).ok());
  }
  EXPECT_EQ(Read(), "444\n");
  EXPECT_EQ(Read(".1"), "333\n");
  EXPECT_EQ(Read(".2"), "222\n");
  EXPECT_EQ(Read(".3"), "(none)");
}

TEST_F(RotatingFileTest, ALineThatIsTooLargeForAnyFileHasOneForItself) {
  RotatingFile file({.path = Path(), .rotate_size = 4, .keep = 3});
  EXPECT_TRUE(file.Append("1\nmuch too long\n2\n").ok());
  EXPECT_EQ(Read(".2"), "1\n");
  EXPECT_EQ(Read(".1"), "much too long\n");
  EXPECT_EQ(Read(), "2\n");
}

TEST_F(RotatingFileTest, CountsWhatWasThereBeforeItsStart) {
  Write("12345\n");
  RotatingFile file({.path = Path(), .rotate_size = 8, .keep = 1});
  EXPECT_TRUE(file.Append("new\n").ok());
  EXPECT_EQ(Read(".1"), "12345\n");
  EXPECT_EQ(Read(), "new\n");
}

TEST_F(RotatingFileTest, OneThatWasMovedAwayIsMadeAnew) {
  RotatingFile file({.path = Path()});
  EXPECT_TRUE(file.Append("a\n").ok());
  std::filesystem::rename(Path(), Path(".moved"));
  EXPECT_TRUE(file.Append("b\n").ok());
  EXPECT_EQ(Read(".moved"), "a\n");
  EXPECT_EQ(Read(), "b\n");
}

TEST_F(RotatingFileTest, TwoWritersOfOnePathLoseNothing) {
  RotatingFile one({.path = Path(), .rotate_size = 8, .keep = 9});
  RotatingFile two({.path = Path(), .rotate_size = 8, .keep = 9});
  EXPECT_TRUE(one.Append("111\n").ok());
  EXPECT_TRUE(two.Append("222\n333\n").ok());
  EXPECT_TRUE(one.Append("444\n").ok());
  EXPECT_EQ(Read(".1") + Read(), "111\n222\n333\n444\n");
}

TEST_F(RotatingFileTest, OneThatAnotherHasLockedIsUnavailable) {
  RotatingFile file({.path = Path()});
  const int other = open(Path().c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  EXPECT_TRUE(absl::IsUnavailable(file.Append("a\n")));
  close(other);
  EXPECT_TRUE(file.Append("b\n").ok());
  EXPECT_EQ(Read(), "b\n");
}

TEST_F(RotatingFileTest, WithoutItsFolderItIsUnavailableUntilThereIsOne) {
  RotatingFile file({.path = folder_.path() + "/sub/events", .sync = true});
  EXPECT_TRUE(absl::IsUnavailable(file.Append("a\n")));
  std::filesystem::create_directory(folder_.path() + "/sub");
  EXPECT_TRUE(file.Append("a\n").ok());
}

TEST_F(RotatingFileTest, OnlyARegularFileIsWritten) {
  ASSERT_EQ(mkfifo(Path().c_str(), 0600), 0);
  RotatingFile file({.path = Path()});
  EXPECT_TRUE(absl::IsUnavailable(file.Append("a\n")));
}

// The system's own limit stands for a disk without room: it takes a part of the line as well.
TEST_F(RotatingFileTest, ADiskThatFillsUpLeavesNoPartOfALine) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  RotatingFile file({.path = Path(), .sync = true});
  EXPECT_TRUE(file.Append("12345\n").ok());
  const rlimit full = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const absl::Status status = file.Append("67890\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(Read(), "12345\n");
  EXPECT_TRUE(file.Append("67890\n").ok());
  EXPECT_EQ(Read(), "12345\n67890\n");
}

}  // namespace
}  // namespace tallybus::file
