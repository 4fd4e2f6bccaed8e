// Folders are tried and left as they were.
#include "apps/tallybusd/check/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus::check {
namespace {

using ::testing::HasSubstr;

TEST(FolderTest, WritingIsTriedAndLeavesNothing) {
  const config::ScratchDirectory folder;
  EXPECT_TRUE(TryWriting(folder.path()).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FolderTest, WhereNothingCanBeWrittenTheSystemSaysWhy) {
  const config::ScratchDirectory folder;
  std::ofstream(folder.path() + "/file") << "x";
  EXPECT_THAT(std::string(TryWriting(folder.path() + "/none").message()),
              HasSubstr(folder.path() + "/none: No such file or directory"));
  EXPECT_THAT(std::string(TryWriting(folder.path() + "/file").message()),
              HasSubstr("Not a directory"));
  EXPECT_FALSE(TryWriting("/proc").ok());
}

TEST(FolderTest, WhatWasMissingIsMissingAgainAndWhatIsUsedStays) {
  const config::ScratchDirectory folder;
  const std::string deep = folder.path() + "/a/b/c";
  {
    const MissingFolders leaves_none(deep);
    std::filesystem::create_directories(deep);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  {
    const MissingFolders leaves_none(deep);
    std::filesystem::create_directories(deep);
    std::ofstream(folder.path() + "/a/kept") << "x";
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/a/kept"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/a/b"));
  { const MissingFolders leaves_all(folder.path() + "/a"); }
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/a"));
}

}  // namespace
}  // namespace tallybus::check
