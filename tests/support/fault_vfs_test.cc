// The words that say how a test's disk fails.
#include "tests/support/fault_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "tests/support/scratch_directory.h"

namespace tallybus::testing {
namespace {

using ::testing::HasSubstr;

TEST(FaultSettingsTest, NoWordsAreASoundDisk) {
  const auto settings = ParseFaultSettings("");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->unsynced, Unsynced::kWritten);
  EXPECT_LT(settings->capacity, 0);
  EXPECT_FALSE(settings->fail_syncs);
}

TEST(FaultSettingsTest, EachWordIsHeard) {
  const auto settings =
      ParseFaultSettings("tear:7,slow_sync:30ms,space:1000,beside:/tmp/a:b,fail_sync");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->unsynced, Unsynced::kTorn);
  EXPECT_EQ(settings->seed, 7u);
  EXPECT_EQ(settings->sync_takes, absl::Milliseconds(30));
  EXPECT_EQ(settings->capacity, 1000);
  EXPECT_EQ(settings->beside, "/tmp/a:b");
  EXPECT_TRUE(settings->fail_syncs);
  EXPECT_EQ(ParseFaultSettings("drop")->unsynced, Unsynced::kLost);
}

TEST(FaultSettingsTest, WhatIsNoWordIsRefused) {
  for (const char* words : {"drip", "tear", "tear:x", "space:much", "slow_sync:3", "fail_sync:1",
                            "drop,drip", "fail_syncs"}) {
    const auto settings = ParseFaultSettings(words);
    EXPECT_TRUE(absl::IsInvalidArgument(settings.status())) << words;
  }
  EXPECT_THAT(std::string(ParseFaultSettings("drop,drip").status().message()), HasSubstr("drip"));
}

class FaultVfsFromEnvironmentTest : public ::testing::Test {
 protected:
  ~FaultVfsFromEnvironmentTest() override { unsetenv("TALLYBUS_FAULT_VFS"); }
  // What a statement on a file of the disk comes to, and what the next machine finds there.
  int Run(const std::string& sql) {
    sqlite3* db = nullptr;
    const std::string path = scratch.path() + "/file.db";
    sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "fault");
    const int result = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
    return result;
  }
  std::unique_ptr<FaultVfs> Register(const char* words) {
    setenv("TALLYBUS_FAULT_VFS", words, 1);
    auto vfs = RegisterFaultVfsFromEnvironment();
    EXPECT_TRUE(vfs.ok()) << vfs.status();
    return *std::move(vfs);
  }

  ScratchDirectory scratch;
};

TEST_F(FaultVfsFromEnvironmentTest, WithoutTheVariableThereIsNone) {
  EXPECT_EQ(*RegisterFaultVfsFromEnvironment(), nullptr);
  setenv("TALLYBUS_FAULT_VFS", "drip", 1);
  EXPECT_FALSE(RegisterFaultVfsFromEnvironment().ok());
  EXPECT_EQ(sqlite3_vfs_find("fault"), nullptr);
}

TEST_F(FaultVfsFromEnvironmentTest, WhatWasNotSyncedIsDropped) {
  auto vfs = Register("drop");
  ASSERT_EQ(Run("CREATE TABLE synced (a)"), SQLITE_OK);
  ASSERT_EQ(Run("PRAGMA synchronous=OFF; CREATE TABLE unsynced (a)"), SQLITE_OK);
  vfs->Crash();
  vfs->Reopen();
  EXPECT_EQ(Run("SELECT * FROM synced"), SQLITE_OK);
  EXPECT_EQ(Run("SELECT * FROM unsynced"), SQLITE_ERROR);
}

TEST_F(FaultVfsFromEnvironmentTest, ASyncFailsUntilTheDiskIsAnother) {
  auto vfs = Register("fail_sync");
  EXPECT_EQ(Run("CREATE TABLE t (a)"), SQLITE_IOERR);
  vfs->Become(FaultSettings());
  vfs->Reopen();
  EXPECT_EQ(Run("CREATE TABLE t (a)"), SQLITE_OK);
}

TEST_F(FaultVfsFromEnvironmentTest, WhatDoesNotFitIsRefusedUntilThereIsRoom) {
  auto vfs = Register("space:6000");
  EXPECT_EQ(Run("CREATE TABLE t (a)"), SQLITE_FULL);
  vfs->Become(FaultSettings());
  EXPECT_EQ(Run("CREATE TABLE t (a)"), SQLITE_OK);
}

}  // namespace
}  // namespace tallybus::testing
