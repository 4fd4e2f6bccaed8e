// Which directory holds the sockets, and when it is not safe to use.
#include "tallybusd/config/runtime_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::string ErrorFor(const std::string& path) {
  return std::string(EnsureRuntimeDir(path).message());
}

TEST(RuntimeDirTest, SystemdsDirectoryComesFirstAndOfSeveralTheFirst) {
  const Environment environment = {{"RUNTIME_DIRECTORY", "/run/a:/run/b"},
                                   {"XDG_RUNTIME_DIR", "/run/user/7"}};
  EXPECT_EQ(RuntimeDir(Lookup(environment)), "/run/a");
}

TEST(RuntimeDirTest, SessionsDirectoryComesSecond) {
  EXPECT_EQ(RuntimeDir(Lookup({{"XDG_RUNTIME_DIR", "/run/user/7/"}})), "/run/user/7/tallybus");
}

TEST(RuntimeDirTest, EmptyAndRelativeVariablesCountAsUnset) {
  const Environment environment = {{"RUNTIME_DIRECTORY", ""}, {"XDG_RUNTIME_DIR", "run"}};
  EXPECT_EQ(RuntimeDir(Lookup(environment), "/nonexistent/tallybus"),
            "/tmp/tallybus-" + std::to_string(getuid()));
}

TEST(RuntimeDirTest, SystemDirectoryIsTakenWhereItIsWritable) {
  const ScratchDirectory system;
  EXPECT_EQ(RuntimeDir(Lookup({}), system.path()), system.path());
}

TEST(RuntimeDirTest, MissingDirectoryIsMadeForItsOwnerAlone) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/run";
  ASSERT_TRUE(EnsureRuntimeDir(path).ok());
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_TRUE(EnsureRuntimeDir(path).ok()) << "a second start finds it";
}

TEST(RuntimeDirTest, MissingParentIsAnErrorThatNamesTheDirectory) {
  EXPECT_THAT(ErrorFor("/nonexistent/run"), HasSubstr("runtime directory /nonexistent"));
}

TEST(RuntimeDirTest, FileInItsPlaceIsRefused) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/run";
  std::ofstream(path) << "x";
  EXPECT_THAT(ErrorFor(path), HasSubstr("is no directory"));
}

TEST(RuntimeDirTest, DirectoryOfAnotherUserIsRefused) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/run";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
    EXPECT_THAT(ErrorFor(path), HasSubstr("belongs to another user"));
  } else {
    EXPECT_THAT(ErrorFor("/usr"), HasSubstr("belongs to another user"));
  }
}

// As in /tmp: someone else may have put it there.
class ExposedRuntimeDirTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(chmod(parent_.path().c_str(), 01777), 0); }
  ScratchDirectory parent_;
  std::string path_ = parent_.path() + "/run";
};

TEST_F(ExposedRuntimeDirTest, DirectoryThatOthersMayWriteToIsRefused) {
  ASSERT_TRUE(EnsureRuntimeDir(path_).ok());
  for (const mode_t mode : {0770, 0702}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_THAT(ErrorFor(path_), HasSubstr("is writable for others")) << mode;
  }
  ASSERT_EQ(chmod(path_.c_str(), 0755), 0);
  EXPECT_TRUE(EnsureRuntimeDir(path_).ok());
}

TEST_F(ExposedRuntimeDirTest, SymbolicLinkIsRefused) {
  const ScratchDirectory elsewhere;
  ASSERT_EQ(symlink(elsewhere.path().c_str(), path_.c_str()), 0);
  EXPECT_THAT(ErrorFor(path_), HasSubstr("is a symbolic link"));
}

TEST(RuntimeDirTest, GroupMayWriteAndALinkMayLeadThereBelowAProtectedDirectory) {
  const ScratchDirectory parent;
  const std::string path = parent.path() + "/run";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(chmod(path.c_str(), 0770), 0);
  EXPECT_TRUE(EnsureRuntimeDir(path).ok());
  const std::string link = parent.path() + "/link";
  ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
  EXPECT_TRUE(EnsureRuntimeDir(link).ok());
}

}  // namespace
}  // namespace tallybus::config
