// A spool that is looked at is found as a start would find it, and left as it was.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "spool/spool_file.h"
#include "tallybus/sqlite_spool.h"
#include "tests/core/spool/durable_spool.h"

namespace tallybus {
namespace {

using testing::DurableSpool;
using ::testing::HasSubstr;
using testing::Row;

// Some rows in a spool that has stopped.
class SqliteSpoolCheckTest : public ::testing::Test {
 protected:
  SqliteSpoolCheckTest() {
    disk.options.vfs.clear();
    disk.options.directory = disk.scratch.path() + "/a%20 b?c#d";
    EXPECT_TRUE(disk.Open().ok());
    std::vector<SpoolRowPtr> rows;
    for (SpoolSeq seq = 1; seq <= 400; ++seq) rows.push_back(Row(seq, 1 + seq % 3, 2000));
    EXPECT_TRUE(disk.Commit(testing::BatchOf(rows)));
    EXPECT_TRUE(disk.Stop().ok());
  }

  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(disk.options.directory)) {
      std::ifstream bytes(file.path(), std::ios::binary);
      files[file.path().filename()] = std::string(std::istreambuf_iterator<char>(bytes), {});
    }
    return files;
  }
  // And that nothing is touched by it.
  absl::Status Check() {
    const auto before = Files();
    absl::Status status = CheckSqliteSpool(disk.options.directory);
    EXPECT_EQ(Files(), before);
    return status;
  }
  // As another program, or a daemon that is killed: what it wrote stays in the log.
  void ExecuteAndDie(const std::string& sql) {
    auto db = SqliteDb::Open(disk.path(), nullptr);
    ASSERT_TRUE(db->Execute("PRAGMA locking_mode=EXCLUSIVE").ok());
    ASSERT_TRUE(db->Execute(sql).ok()) << sql;
    const std::string kept = disk.scratch.path() + "/kept";
    std::filesystem::copy(disk.options.directory, kept);
    *db = SqliteDb();
    std::filesystem::remove_all(disk.options.directory);
    std::filesystem::rename(kept, disk.options.directory);
    ASSERT_GT(std::filesystem::file_size(disk.path() + "-wal"), 0u);
  }
  void Execute(const std::string& sql) {
    auto db = SqliteDb::Open(disk.path(), nullptr);
    ASSERT_TRUE(db->Execute(sql).ok()) << sql;
  }
  void OverwriteRootOf(const std::string& table) {
    auto db = SqliteDb::Open(disk.path(), nullptr);
    const std::string page =
        *db->Ask("SELECT rootpage FROM sqlite_schema WHERE name='" + table + "'");
    *db = SqliteDb();
    std::fstream file(disk.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((std::stoll(page) - 1) * 16384) << std::string(16384, 'x');
  }

  DurableSpool disk;
};

TEST_F(SqliteSpoolCheckTest, AHealthyOneIsGoodAndSoIsNone) {
  EXPECT_TRUE(Check().ok()) << Check();
  std::filesystem::remove_all(disk.options.directory);
  std::filesystem::create_directories(disk.options.directory);
  EXPECT_TRUE(Check().ok());
  std::ofstream(disk.path()).close();  // a first start that was cut short
  EXPECT_TRUE(Check().ok());
  ASSERT_TRUE(disk.Open().ok());
}

TEST_F(SqliteSpoolCheckTest, WhatAKilledDaemonLeftInItsLogCounts) {
  ExecuteAndDie("UPDATE about SET value='0' WHERE key='closed'");
  EXPECT_TRUE(Check().ok()) << Check();
  ASSERT_TRUE(disk.Open().ok());
  ASSERT_TRUE(disk.Stop().ok());
  ExecuteAndDie("PRAGMA user_version=2");
  EXPECT_THAT(std::string(Check().message()), HasSubstr("(schema 2)"));
}

TEST_F(SqliteSpoolCheckTest, AnotherVersionsAndAnotherProgramsFilesAreRefused) {
  Execute("PRAGMA user_version=2; UPDATE about SET value='9.9.9' WHERE key='writer'");
  EXPECT_TRUE(absl::IsFailedPrecondition(Check()));
  EXPECT_THAT(std::string(Check().message()), HasSubstr("by tallybusd 9.9.9 (schema 2)"));
  Execute("PRAGMA application_id=7");
  EXPECT_THAT(std::string(Check().message()), HasSubstr("of another program"));
}

TEST_F(SqliteSpoolCheckTest, DamageIsToldAsAStartTellsIt) {
  for (const char* table : {"queue", "live"}) {
    SCOPED_TRACE(table);
    const auto whole = Files().at("spool.db");
    OverwriteRootOf(table);
    const absl::Status status = Check();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_EQ(status.message(), disk.Open().message());
    disk.spool.reset();
    std::ofstream(disk.path(), std::ios::binary) << whole;
  }
  EXPECT_TRUE(Check().ok());
  Execute("ALTER TABLE session RENAME COLUMN config TO konfig; DROP TABLE live");
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
  std::fstream(disk.path(), std::ios::in | std::ios::out | std::ios::binary) << "no header at all";
  EXPECT_THAT(std::string(Check().message()), HasSubstr("file is not a database"));
  std::filesystem::resize_file(disk.path(), 0);
  EXPECT_THAT(std::string(Check().message()), HasSubstr("something has truncated it"));
}

TEST_F(SqliteSpoolCheckTest, WhatAStartMendsByItselfIsGood) {
  Execute("UPDATE queue SET marks=marks+12345 WHERE seq=7");
  EXPECT_TRUE(Check().ok()) << Check();
  Execute("DROP TABLE alert");
  EXPECT_TRUE(Check().ok()) << Check();
  EXPECT_TRUE(disk.Open().ok());
}

}  // namespace
}  // namespace tallybus
