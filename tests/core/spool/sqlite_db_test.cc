// SQLite as values: what goes in comes out, and what goes wrong has its status.
#include "spool/sqlite_db.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include "tests/support/fault_vfs.h"
#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using testing::FaultVfs;

class SqliteDbTest : public ::testing::Test {
 protected:
  SqliteDbTest() : db(*SqliteDb::Open(scratch.path() + "/a.db", vfs.get())) {
    EXPECT_TRUE(db.Execute("CREATE TABLE t (a, b)").ok());
  }
  struct Vfs {
    FaultVfs vfs{"sqlite_db_test", FaultVfs::Unsynced::kWritten};
    const char* get() const { return "sqlite_db_test"; }
  };

  testing::ScratchDirectory scratch;
  Vfs vfs;
  SqliteDb db;
};

TEST_F(SqliteDbTest, OneThatIsOpenToBeReadIsNotWrittenNorMade) {
  const std::string path = scratch.path() + "/b.db";
  EXPECT_TRUE(absl::IsPermissionDenied(SqliteDb::OpenToRead(path).status()));
  ASSERT_TRUE(SqliteDb::Open(path, nullptr)->Execute("CREATE TABLE t AS SELECT 7 AS a").ok());
  auto read = SqliteDb::OpenToRead(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read->Ask("SELECT a FROM t"), "7");
  EXPECT_TRUE(absl::IsPermissionDenied(read->Execute("DELETE FROM t")));
}

TEST_F(SqliteDbTest, NumbersAndTextsComeBackAsTheyWere) {
  auto insert = db.Prepare("INSERT INTO t VALUES (?,?)");
  ASSERT_TRUE(insert.ok());
  const std::string text("a\0b\xff", 4);
  const uint64_t large = std::numeric_limits<uint64_t>::max();
  ASSERT_TRUE(insert->Bind(large).Bind(std::string_view(text)).Run().ok());
  ASSERT_TRUE(insert->Bind(-3).Bind(std::string_view()).Run().ok());
  ASSERT_TRUE(insert->Bind(uint32_t{4'000'000'000}).BindBlob(text).Run().ok());
  auto select = db.Prepare("SELECT a, b, typeof(b) FROM t ORDER BY rowid");
  ASSERT_TRUE(select.ok());
  ASSERT_TRUE(*select->Next());
  EXPECT_EQ(select->Uint(), large);
  EXPECT_EQ(select->Text(), text);
  EXPECT_EQ(select->Text(), "text");
  ASSERT_TRUE(*select->Next());
  EXPECT_EQ(select->Int(), -3);
  EXPECT_EQ(select->Text(), "");
  EXPECT_EQ(select->Text(), "text");  // and not null
  ASSERT_TRUE(*select->Next());
  EXPECT_EQ(select->Uint(), 4'000'000'000u);
  EXPECT_EQ(select->Text(), text);
  EXPECT_EQ(select->Text(), "blob");
  EXPECT_FALSE(*select->Next());
  EXPECT_TRUE(*select->Next()) << "ready for another run";
}

TEST_F(SqliteDbTest, AskAnswersWithTheFirstValueOrNothing) {
  EXPECT_EQ(*db.Ask("SELECT 7, 8"), "7");
  EXPECT_EQ(*db.Ask("SELECT a FROM t"), "");
  EXPECT_FALSE(db.Ask("SELECT nothing FROM nowhere").ok());
}

TEST_F(SqliteDbTest, CountsTheRowsThatAStatementChanged) {
  ASSERT_TRUE(db.Execute("INSERT INTO t VALUES (1,1),(2,2),(3,3)").ok());
  ASSERT_TRUE(db.Execute("DELETE FROM t WHERE a>1").ok());
  EXPECT_EQ(db.Changes(), 2);
  ASSERT_TRUE(db.Execute("DELETE FROM t WHERE a>1").ok());
  EXPECT_EQ(db.Changes(), 0);
}

TEST_F(SqliteDbTest, AFullDiskIsResourceExhausted) {
  vfs.vfs.SetCapacity(vfs.vfs.used());
  const absl::Status status = db.Execute("INSERT INTO t VALUES (1, zeroblob(100000))");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST_F(SqliteDbTest, AFailedSyncIsUnavailable) {
  vfs.vfs.FailSyncs(true);
  const absl::Status status = db.Execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(SqliteDbTest, AFailedReadIsUnavailable) {
  ASSERT_TRUE(db.Execute("INSERT INTO t VALUES (1, zeroblob(100000)); PRAGMA shrink_memory").ok());
  SqliteDb other = *SqliteDb::Open(scratch.path() + "/a.db", vfs.get());
  vfs.vfs.FailReads(true);
  const absl::Status status = other.Ask("SELECT b FROM t").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(SqliteDbTest, ALockedFileIsFailedPrecondition) {
  SqliteDb other = *SqliteDb::Open(scratch.path() + "/a.db", vfs.get());
  ASSERT_TRUE(other.Execute("BEGIN EXCLUSIVE").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(db.Execute("INSERT INTO t VALUES (1, 1)")));
}

TEST_F(SqliteDbTest, DamageIsDataLoss) {
  const std::string path = scratch.path() + "/b.db";
  {
    SqliteDb whole = *SqliteDb::Open(path, nullptr);
    ASSERT_TRUE(whole.Execute("CREATE TABLE t (a)").ok());
  }
  ASSERT_TRUE(FaultVfs::FlipBit(path, 3));
  SqliteDb damaged = *SqliteDb::Open(path, nullptr);
  EXPECT_TRUE(absl::IsDataLoss(damaged.Ask("SELECT count(*) FROM t").status()));
  EXPECT_FALSE(FaultVfs::FlipBit(path, uint64_t{1} << 40));
}

TEST_F(SqliteDbTest, AFolderThatIsNotThereIsPermissionDenied) {
  EXPECT_TRUE(absl::IsPermissionDenied(SqliteDb::Open("/nowhere/a.db", nullptr).status()));
}

}  // namespace
}  // namespace tallybus
