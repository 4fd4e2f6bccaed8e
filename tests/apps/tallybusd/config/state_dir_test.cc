// Which directory keeps the spool, and when it is not safe to use.
#include "tallybusd/config/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;

constexpr char kNowhere[] = "/nonexistent/tallybus";

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::string ErrorFor(const std::string& path) {
  return std::string(EnsureStateDir(path).message());
}

TEST(StateDirTest, SystemdsDirectoryComesFirstAndOfSeveralTheFirst) {
  const ScratchDirectory system;
  const Environment environment = {{"STATE_DIRECTORY", "/var/lib/a:/var/lib/b"},
                                   {"XDG_STATE_HOME", "/home/u/state"}};
  EXPECT_EQ(StateDir(Lookup(environment), system.path()), "/var/lib/a");
}

TEST(StateDirTest, SystemDirectoryComesSecondWhereItIsWritable) {
  const ScratchDirectory system;
  const Environment environment = {{"XDG_STATE_HOME", "/home/u/state"}, {"HOME", "/home/u"}};
  EXPECT_EQ(StateDir(Lookup(environment), system.path()), system.path());
  EXPECT_EQ(StateDir(Lookup(environment), kNowhere), "/home/u/state/tallybus");
}

TEST(StateDirTest, HomeComesLast) {
  EXPECT_EQ(StateDir(Lookup({{"HOME", "/home/u/"}}), kNowhere), "/home/u/.local/state/tallybus");
}

TEST(StateDirTest, EmptyAndRelativeVariablesCountAsUnset) {
  const Environment environment = {
      {"STATE_DIRECTORY", ""}, {"XDG_STATE_HOME", "state"}, {"HOME", "/home/u"}};
  EXPECT_EQ(StateDir(Lookup(environment), kNowhere), "/home/u/.local/state/tallybus");
}

TEST(StateDirTest, WithoutAnyHomeTheSystemDirectoryIsNamed) {
  EXPECT_EQ(StateDir(Lookup({{"HOME", ""}}), kNowhere), kNowhere);
}

TEST(StateDirTest, MissingDirectoryAndItsParentsAreMadeForTheirOwnerAlone) {
  const ScratchDirectory home;
  const std::string path = home.path() + "/.local/state/tallybus";
  ASSERT_EQ(ErrorFor(path), "");
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_EQ(ModeOf(home.path() + "/.local"), 0700u);
  EXPECT_EQ(ErrorFor(path), "") << "a second start finds it";
}

TEST(StateDirTest, FileInItsPlaceIsRefusedByName) {
  const ScratchDirectory parent;
  std::ofstream(parent.path() + "/state") << "x";
  EXPECT_EQ(ErrorFor(parent.path() + "/state"),
            "spool.path: " + parent.path() + "/state: is no directory; name another directory");
}

TEST(StateDirTest, WhereAParentIsWrongTheWholePathIsNamedToo) {
  const ScratchDirectory parent;
  std::ofstream(parent.path() + "/file") << "x";
  const std::string path = parent.path() + "/file/a/b";
  EXPECT_EQ(ErrorFor(path), "spool.path: " + parent.path() + "/file/a: Not a directory, for " +
                                path + "; name another directory");
}

TEST(StateDirTest, ALinkToNowhereIsRefusedByName) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/link";
  ASSERT_EQ(symlink(kNowhere, path.c_str()), 0);
  EXPECT_EQ(ErrorFor(path), "spool.path: " + path +
                                ": No such file or directory; make it, or name another directory");
}

TEST(StateDirTest, AFileInItThatMayNotBeOpenedGetsTheAdviceAndOtherErrorsStayAsTheyAre) {
  EXPECT_THAT(std::string(WithMend(absl::PermissionDeniedError("spool.path: x")).message()),
              testing::MatchesRegex("spool.path: x; let the user of tallybusd .uid [0-9]+. write "
                                    "there, or name another directory"));
  EXPECT_EQ(WithMend(absl::DataLossError("damaged")), absl::DataLossError("damaged"));
}

TEST(StateDirTest, AReadOnlyFileSystemIsToBeMountedOtherwise) {
  EXPECT_THAT(std::string(WithMend(absl::ErrnoToStatus(EROFS, "spool.path: x")).message()),
              testing::StartsWith("spool.path: x: Read-only file system; mount it for writing"));
}

TEST(StateDirTest, DirectoryThatEveryoneMayWriteIsRefused) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/state";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  for (const mode_t mode : {0777, 01777, 0703}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_THAT(ErrorFor(path), HasSubstr("is writable for everyone")) << mode;
  }
  ASSERT_EQ(chmod(path.c_str(), 0775), 0);
  EXPECT_EQ(ErrorFor(path), "");
}

TEST(StateDirTest, LinkAndGroupBelowADirectoryOfEveryoneAreRefused) {
  const ScratchDirectory parent;
  const ScratchDirectory elsewhere;
  const std::string link = parent.path() + "/link";
  const std::string path = parent.path() + "/state";
  ASSERT_EQ(symlink(elsewhere.path().c_str(), link.c_str()), 0);
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(chmod(path.c_str(), 0770), 0);
  EXPECT_EQ(ErrorFor(link), "");
  EXPECT_EQ(ErrorFor(path), "");
  ASSERT_EQ(chmod(parent.path().c_str(), 01777), 0);
  EXPECT_THAT(ErrorFor(link), HasSubstr("is a symbolic link"));
  EXPECT_THAT(ErrorFor(path), HasSubstr("is writable for others"));
}

// Root may write anywhere, so the child is somebody else.
TEST(StateDirTest, DirectoryThatCannotBeWrittenIsAnErrorWithTheSystemsReason) {
  constexpr uid_t kSomebody = 12345;
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/state";
  ASSERT_EQ(mkdir(path.c_str(), 0500), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(parent.path().c_str(), kSomebody, kSomebody), 0);
    ASSERT_EQ(chown(path.c_str(), kSomebody, kSomebody), 0);
  }
  const auto ensure_as_somebody = [&path] {
    if (geteuid() == 0 && setuid(kSomebody) != 0) _exit(1);
    std::cerr << ErrorFor(path);
    _exit(0);
  };
  EXPECT_EXIT(ensure_as_somebody(), testing::ExitedWithCode(0),
              "spool.path: .*/state: Permission denied; let the user of tallybusd");
}

}  // namespace
}  // namespace tallybus::config
