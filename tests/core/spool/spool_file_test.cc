// The spool's file: its settings, its lock, what it refuses, and the words that mend it.
#include "spool/spool_file.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/core/spool/durable_spool.h"

namespace tallybus {
namespace {

using testing::DurableSpool;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Row;

class SpoolFileTest : public ::testing::Test {
 protected:
  SpoolFileTest() {
    options.directory = scratch.path() + "/a/spool";
    path = options.directory + "/spool.db";
  }

  static int ModeOf(const std::string& of) {
    struct stat file = {};
    EXPECT_EQ(stat(of.c_str(), &file), 0) << of;
    return static_cast<int>(file.st_mode & 0777);
  }
  absl::Status Open() { return SpoolFile::Open(options).status(); }
  // Changes the file as another program does.
  void Execute(const std::string& sql) {
    auto db = SqliteDb::Open(path, nullptr);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->Execute(sql).ok()) << sql;
  }
  std::string Ask(const SqliteSpoolOptions& with, const std::string& pragma) {
    absl::StatusOr<SpoolFile> file = SpoolFile::Open(with);
    EXPECT_TRUE(file.ok()) << file.status();
    return *file->db().Ask("PRAGMA " + pragma);
  }
  // The command after these words in an error's text.
  static std::string Command(const absl::Status& status, const std::string& words) {
    const std::string text(status.message());
    const size_t at = text.find(words);
    EXPECT_NE(at, std::string::npos) << text;
    const size_t begin = at + words.size();
    return text.substr(begin, text.find(". To set it aside", begin) - begin);
  }
  static constexpr char kFillAndEmpty[] =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
      "INSERT INTO about SELECT 'k' || i, hex(zeroblob(4000)) FROM n; "
      "DELETE FROM about WHERE key LIKE 'k%'";
  static constexpr char kRepair[] = "To repair it: ";
  static constexpr char kSetAside[] = "To set it aside and start empty: ";

  testing::ScratchDirectory scratch;
  SqliteSpoolOptions options;
  std::string path;
};

TEST_F(SpoolFileTest, OnlyItsOwnerReadsIt) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->MarkOpened().ok());
  ASSERT_TRUE(file->TakeReserve().ok());
  EXPECT_EQ(ModeOf(options.directory), 0700);
  for (const char* name : {"/spool.db", "/spool.db-wal", "/spool.lock", "/spool.reserve"}) {
    EXPECT_EQ(ModeOf(options.directory + name), 0600) << name;
  }
}

TEST_F(SpoolFileTest, GivesTheDiskPagesThatItHasNoUseFor) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->db().Execute(kFillAndEmpty).ok());
  ASSERT_TRUE(file->Checkpoint().ok());
  ASSERT_GT(std::filesystem::file_size(path), 4 << 20);
  ASSERT_TRUE(file->GiveRoomBack().ok());
  EXPECT_LT(std::filesystem::file_size(path), 1 << 20);
}

TEST_F(SpoolFileTest, AFileThatCannotGivePagesBackWorksAllTheSame) {
  ASSERT_TRUE(Open().ok());
  Execute("PRAGMA auto_vacuum=NONE; VACUUM");
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(*file->db().Ask("PRAGMA auto_vacuum"), "0");
  ASSERT_TRUE(file->db().Execute(kFillAndEmpty).ok());
  EXPECT_TRUE(file->GiveRoomBack().ok());
}

TEST_F(SpoolFileTest, TheReserveIsTakenWithAMarginAndWithout) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  ASSERT_TRUE(file.ok());
  const std::string reserve = options.directory + "/spool.reserve";
  EXPECT_FALSE(file->HasReserve());
  for (int64_t margin : {0, 4096, 0}) {
    ASSERT_TRUE(file->TakeReserve(margin).ok());
    EXPECT_TRUE(file->HasReserve());
    EXPECT_EQ(std::filesystem::file_size(reserve), SpoolFile::kReserveBytes + margin);
  }
  // More than any disk has: what there is of it stays.
  EXPECT_FALSE(file->TakeReserve(int64_t{1} << 60).ok());
  EXPECT_TRUE(file->HasReserve());
}

TEST_F(SpoolFileTest, KeepsItsSettings) {
  EXPECT_EQ(Ask(options, "journal_mode"), "wal");
  EXPECT_EQ(Ask(options, "locking_mode"), "exclusive");
  EXPECT_EQ(Ask(options, "page_size"), "16384");
  EXPECT_EQ(Ask(options, "auto_vacuum"), "2");
  EXPECT_EQ(Ask(options, "synchronous"), "2");
  EXPECT_EQ(Ask(options, "user_version"), "1");
  options.sync = SpoolSync::kInterval;
  EXPECT_EQ(Ask(options, "synchronous"), "1");
  options.sync = SpoolSync::kOff;
  EXPECT_EQ(Ask(options, "synchronous"), "0");
}

TEST_F(SpoolFileTest, TheSecondProcessIsRefused) {
  absl::StatusOr<SpoolFile> first = SpoolFile::Open(options);
  ASSERT_TRUE(first.ok());
  const absl::Status second = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(second));
  EXPECT_THAT(std::string(second.message()),
              HasSubstr(options.directory + " is in use by another"));
  *first = SpoolFile();
  EXPECT_TRUE(Open().ok());
}

// POSIX locks bind other processes alone, and closing any descriptor of the file would drop them.
TEST_F(SpoolFileTest, AnotherProgramFindsItLockedAsLongAsItIsOpen) {
  const std::string ask = "sqlite3 " + path + " 'SELECT count(*) FROM event' 2>&1";
  const auto answer = [&ask] {
    std::string said;
    FILE* pipe = popen(ask.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) said += static_cast<char>(c);
    pclose(pipe);
    return said;
  };
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->MarkOpened().ok());
  ASSERT_TRUE(file->TakeReserve().ok());
  ASSERT_TRUE(file->Checkpoint().ok());
  EXPECT_THAT(answer(), HasSubstr("database is locked"));
  *file = SpoolFile();
  EXPECT_EQ(answer(), "0\n");
}

TEST_F(SpoolFileTest, AFileThatWasCutToNothingIsRefusedWithTheWordsThatMendIt) {
  ASSERT_TRUE(Open().ok());
  for (const char* witness : {"/spool.lock", "/spool.db-wal", "/spool.reserve"}) {
    SCOPED_TRACE(witness);
    for (const char* name : {"/spool.lock", "/spool.db-wal", "/spool.reserve"}) {
      std::filesystem::remove(options.directory + name);
    }
    std::ofstream(options.directory + witness) << "\n";
    std::ofstream(path, std::ios::trunc).close();
    const absl::Status status = Open();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path + " is empty"));
    EXPECT_EQ(std::filesystem::file_size(options.directory + witness), 1u) << "left as it was";
    EXPECT_EQ(Command(status, kSetAside),
              "mv " + options.directory + " " + options.directory + ".damaged");
  }
}

TEST_F(SpoolFileTest, AFolderInTheFilesPlaceIsRefusedWithTheWordsThatMendIt) {
  for (const char* name : {"/spool.db", "/spool.lock"}) {
    const std::string in_the_way = options.directory + name;
    std::filesystem::create_directories(in_the_way);
    EXPECT_THAT(std::string(Open().message()),
                HasSubstr(in_the_way + ": Is a directory: move it away, or give spool.path a"));
    std::filesystem::remove_all(options.directory);
  }
  EXPECT_TRUE(Open().ok());
}

TEST_F(SpoolFileTest, AFirstStartThatWasCutShortIsAFirstStart) {
  std::filesystem::create_directories(options.directory);
  std::ofstream(options.directory + "/spool.lock").close();
  std::ofstream(path).close();
  EXPECT_TRUE(Open().ok());
}

TEST_F(SpoolFileTest, ANewerSchemaIsRefusedWithTheVersionThatWroteIt) {
  ASSERT_TRUE(Open().ok());
  Execute("PRAGMA user_version=2; UPDATE about SET value='9.9.9' WHERE key='writer'");
  const absl::Status status = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("was written by tallybusd 9.9.9 (schema 2)"));
  Execute("PRAGMA user_version=1");
  EXPECT_TRUE(Open().ok());
}

TEST_F(SpoolFileTest, AnotherProgramsFileIsLeftAlone) {
  for (int id : {0, 252006675}) {
    std::filesystem::remove_all(options.directory);
    std::filesystem::create_directories(options.directory);
    Execute(absl::StrCat("PRAGMA application_id=", id, "; CREATE TABLE mine (a)"));
    const absl::Status status = Open();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << id;
    EXPECT_THAT(std::string(status.message()), HasSubstr("of another program"));
    auto db = SqliteDb::Open(path, nullptr);
    EXPECT_EQ(*db->Ask("SELECT group_concat(name) FROM sqlite_schema"), "mine");
  }
}

TEST_F(SpoolFileTest, RemembersWhetherItWasClosed) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  EXPECT_FALSE(file->was_closed());
  ASSERT_TRUE(file->MarkOpened().ok());
  ASSERT_TRUE(file->MarkClosed(true).ok());
  *file = SpoolFile();
  file = SpoolFile::Open(options);
  EXPECT_TRUE(file->was_closed());
  ASSERT_TRUE(file->MarkOpened().ok());
  *file = SpoolFile();
  EXPECT_FALSE(SpoolFile::Open(options)->was_closed());
}

TEST_F(SpoolFileTest, TheReserveIsTakenAndGivenUp) {
  absl::StatusOr<SpoolFile> file = SpoolFile::Open(options);
  EXPECT_FALSE(file->HasReserve());
  ASSERT_TRUE(file->TakeReserve().ok());
  EXPECT_TRUE(file->HasReserve());
  EXPECT_EQ(std::filesystem::file_size(options.directory + "/spool.reserve"), size_t{24} << 20);
  file->GiveUpReserve();
  EXPECT_FALSE(file->HasReserve());
}

TEST_F(SpoolFileTest, WhatIsNoDatabaseIsRefusedAndTheCommandSetsItAside) {
  ASSERT_TRUE(Open().ok());
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << "no header at all";
  const absl::Status status = Open();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(kRepair)));  // nothing could be read
  ASSERT_EQ(std::system(Command(status, kSetAside).c_str()), 0);
  EXPECT_TRUE(Open().ok());
  EXPECT_TRUE(std::filesystem::exists(options.directory + ".damaged/spool.db"));
}

TEST_F(SpoolFileTest, TablesThatAreNotOursAreRefusedAndTheCommandSetsThemAside) {
  ASSERT_TRUE(Open().ok());
  Execute("ALTER TABLE about RENAME COLUMN key TO kez");
  const absl::Status status = Open();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(kRepair)));  // it would be the same
  ASSERT_EQ(std::system(Command(status, kSetAside).c_str()), 0);
  EXPECT_TRUE(Open().ok());
}

// 400 rows in a spool that has stopped, of which every tenth is a dead letter.
class DamagedSpoolTest : public ::testing::Test {
 protected:
  static constexpr SpoolSeq kRows = 400;

  DamagedSpoolTest() {
    disk.options.vfs.clear();
    EXPECT_TRUE(disk.Open().ok());
    std::vector<SpoolRowPtr> rows;
    for (SpoolSeq seq = 1; seq <= kRows; ++seq) rows.push_back(Row(seq, 1 + seq % 3, 2000));
    EXPECT_TRUE(disk.Commit(testing::BatchOf(rows)));
    for (SpoolSeq seq = 10; seq <= kRows; seq += 10) {
      testing::Settle(*disk.spool, *rows[seq - 1], Settlement::Outcome::kGivenUp);
    }
    EXPECT_TRUE(disk.Stop().ok());
  }
  std::string Root(const std::string& table) {
    auto db = SqliteDb::Open(disk.path(), nullptr);
    return *db->Ask("SELECT rootpage FROM sqlite_schema WHERE name='" + table + "'");
  }
  void Overwrite(int64_t at, size_t count) {
    std::fstream file(disk.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at) << std::string(count, 'x');
  }
  // By the command in the text, as an operator does it.
  void Repair(const absl::Status& status) {
    ASSERT_TRUE(absl::IsDataLoss(status)) << status;
    const std::string text(status.message());
    const std::string words = "To repair it: ";
    ASSERT_THAT(text, HasSubstr(words));
    const size_t begin = text.find(words) + words.size();
    const std::string command = text.substr(begin, text.find(". To set it aside") - begin);
    ASSERT_EQ(std::system(absl::StrCat("(", command, ") 2>/dev/null").c_str()), 0) << command;
    EXPECT_TRUE(std::filesystem::exists(disk.path() + ".damaged"));
  }
  std::vector<StoredRow> All() {
    StoredFilter all;
    all.waiting = all.dead = true;
    return testing::FindAll(*disk.spool, all);
  }

  DurableSpool disk;
};

TEST_F(DamagedSpoolTest, ATruncatedFileIsRepairedByTheCommandAsFarAsItGoes) {
  std::filesystem::resize_file(disk.path(), std::filesystem::file_size(disk.path()) / 2);
  const absl::Status status = disk.Open();
  Repair(status);
  ASSERT_TRUE(disk.Open().ok());
  const std::vector<StoredRow> rows = All();
  size_t whole = 0;
  for (const StoredRow& stored : rows) {
    if (stored.row->event->method.empty()) continue;  // its place is there, its body was cut off
    ++whole;
    EXPECT_TRUE(
        testing::SameRow(*stored.row, *Row(stored.row->seq, 1 + stored.row->seq % 3, 2000)));
  }
  EXPECT_GT(whole, kRows / 4);
  ASSERT_TRUE(disk.Commit(testing::BatchOf({Row(disk.found.last + 1)})));
}

TEST_F(DamagedSpoolTest, BodiesWhoseQueueWasDestroyedWaitAgainAndMayHaveArrived) {
  const int64_t page = std::atoi(Root("queue").c_str());
  Overwrite((page - 1) * 16384, 16384);
  const absl::Status status = disk.Open();
  disk.spool.reset();
  Repair(status);
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_EQ(disk.found.waiting.size(), kRows - kRows / 10);
  for (const WaitingRow& row : disk.found.waiting) EXPECT_TRUE(row.progress.may_have_arrived);
  EXPECT_EQ(All().size(), kRows);
}

TEST_F(DamagedSpoolTest, RowsWhoseLaneWasDestroyedAreDeadLetters) {
  const int64_t page = std::atoi(Root("lane").c_str());
  Overwrite((page - 1) * 16384, 16384);
  const absl::Status status = disk.Open();
  disk.spool.reset();
  Repair(status);
  ASSERT_TRUE(disk.Open().ok());
  EXPECT_TRUE(disk.found.waiting.empty());
  const std::vector<StoredRow> rows = All();
  ASSERT_EQ(rows.size(), kRows);
  EXPECT_EQ(rows[0].reason, "its lane was lost in a repair");
}

TEST_F(DamagedSpoolTest, ARepairedFileIsReadByItsOwnerAlone) {
  std::filesystem::resize_file(disk.path(), std::filesystem::file_size(disk.path()) / 2);
  Repair(disk.Open());
  ASSERT_TRUE(disk.Open().ok());
  struct stat file = {};
  ASSERT_EQ(stat(disk.path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace tallybus
