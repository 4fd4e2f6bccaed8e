// Directories of the daemon's own: which variables name one, and what is made and refused.
#include "tallybusd/config/private_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;

constexpr DirectoryRules kStrict = {.what = "test directory"};

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::string ErrorFor(const std::string& path, const DirectoryRules& rules = kStrict) {
  return std::string(EnsurePrivateDirectory(path, rules).message());
}

TEST(PrivateDirectoryTest, VariableGivesItsAbsolutePathWithoutFinalSlashes) {
  const GetEnv getenv = Lookup({{"A", "/x/y//"}, {"ROOT", "/"}, {"REL", "x"}, {"EMPTY", ""}});
  EXPECT_EQ(DirectoryFrom(getenv, "A"), "/x/y");
  EXPECT_EQ(DirectoryFrom(getenv, "ROOT"), "/");
  for (const char* variable : {"REL", "EMPTY", "UNSET"}) {
    EXPECT_EQ(DirectoryFrom(getenv, variable), std::nullopt) << variable;
    EXPECT_EQ(FirstDirectoryFrom(getenv, variable), std::nullopt) << variable;
  }
}

TEST(PrivateDirectoryTest, OnlyAListIsSplitAtItsColons) {
  const GetEnv getenv = Lookup({{"LIST", "/a/:/b"}, {"BAD", ":/b"}});
  EXPECT_EQ(FirstDirectoryFrom(getenv, "LIST"), "/a");
  EXPECT_EQ(FirstDirectoryFrom(getenv, "BAD"), std::nullopt);
  EXPECT_EQ(DirectoryFrom(getenv, "LIST"), "/a/:/b");
}

TEST(PrivateDirectoryTest, MissingParentsAreMadeOnlyWhereTheRulesSaySo) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/a/b/c";
  EXPECT_THAT(ErrorFor(path), HasSubstr("test directory " + scratch.path() + "/a/b"));
  EXPECT_EQ(ErrorFor(path, {.what = "test directory", .make_parents = true}), "");
  for (const char* made : {"/a", "/a/b", "/a/b/c"}) {
    EXPECT_EQ(ModeOf(scratch.path() + made), 0700u) << made;
  }
}

TEST(PrivateDirectoryTest, FileOnTheWayIsRefused) {
  const ScratchDirectory scratch;
  std::ofstream(scratch.path() + "/file") << "x";
  EXPECT_THAT(ErrorFor(scratch.path() + "/file"), HasSubstr("is no directory"));
  EXPECT_THAT(ErrorFor(scratch.path() + "/file/a/b", {.what = "d", .make_parents = true}),
              HasSubstr("Not a directory"));
}

TEST(PrivateDirectoryTest, OtherUsersDirectoryIsRefusedAndRootsTooUnlessTheRulesTakeIt) {
  if (geteuid() != 0) {
    EXPECT_THAT(ErrorFor("/usr"), HasSubstr("belongs to another user"));
    EXPECT_EQ(ErrorFor("/usr", {.what = "d", .root_may_own = true}), "");
    return;
  }
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/theirs";
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(ErrorFor(path), HasSubstr("belongs to another user"));
  EXPECT_THAT(ErrorFor(path, {.what = "d", .root_may_own = true}), HasSubstr("another user"));
}

}  // namespace
}  // namespace tallybus::config
