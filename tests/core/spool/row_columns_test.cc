// A row goes through the table as it is, and what is changed there by a bit is found.
#include "spool/row_columns.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "tests/core/spool/spool_watcher.h"

namespace tallybus {
namespace {

using testing::SameRow;

class RowColumnsTest : public ::testing::Test {
 protected:
  RowColumnsTest() : db(*SqliteDb::Open(":memory:", nullptr)) {
    const std::string columns =
        "seq INTEGER PRIMARY KEY, lane, lane_sequence, accepted_us, flags, "
        "coalesced, replays, epoch, sequence, time_us, method, node_id, "
        "app_key, session_id, media_session_id, name, status, json, checksum";
    EXPECT_TRUE(db.Execute("CREATE TABLE event (" + columns + ")").ok());
  }
  void Write(const SpoolRow& row) {
    auto insert = db.Prepare("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    ASSERT_TRUE(insert.ok());
    BindRow(row, &*insert);
    ASSERT_TRUE(insert->Run().ok());
  }
  absl::Status Read(SpoolRow* row) {
    auto select = db.Prepare(absl::StrCat("SELECT ", kRowColumns, " FROM event"));
    EXPECT_TRUE(select.ok() && *select->Next());
    return ReadRow(&*select, row);
  }
  void ExpectSame(const SpoolRow& row) {
    ASSERT_TRUE(db.Execute("DELETE FROM event").ok());
    Write(row);
    SpoolRow read;
    ASSERT_TRUE(Read(&read).ok());
    EXPECT_TRUE(SameRow(read, row));
  }

  SqliteDb db;
};

TEST_F(RowColumnsTest, EveryFieldComesBack) {
  SpoolRow row = *testing::Row(77, 5);
  row.on_error = OnError::kFail;
  row.delivery = DeliveryMode::kGuaranteed;
  row.coalesced = 4'000'000'000u;
  row.replays = 3;
  row.lane_sequence = 1'234'567'890'123u;
  Event event = *row.event;
  event.id = {0xffffffffffffffffu, 0x7fffffffffffffffu};
  event.from_router = event.terminal = true;
  event.published = false;
  event.name = std::string("a\0b\n'\"\xff", 7);
  event.json = std::string("{\"a\":\0}", 7) + std::string(100'000, 'x');
  row.event = std::make_shared<Event>(event);
  ExpectSame(row);
}

TEST_F(RowColumnsTest, EmptyTextsAndEachFlagComeBack) {
  for (int flag = 0; flag < 5; ++flag) {
    SpoolRow row;
    row.seq = 1;
    row.on_error = flag == 0 ? OnError::kFail : OnError::kLog;
    row.delivery = flag == 1 ? DeliveryMode::kGuaranteed : DeliveryMode::kNotify;
    Event event;
    event.published = flag == 2;
    event.terminal = flag == 3;
    event.from_router = flag == 4;
    row.event = std::make_shared<Event>(event);
    ExpectSame(row);
  }
}

TEST_F(RowColumnsTest, TimesAtTheEndsComeBack) {
  for (absl::Time time : {absl::InfinitePast(), absl::InfiniteFuture(), absl::UnixEpoch(),
                          absl::FromUnixMicros(-1)}) {
    SpoolRow row = *testing::Row(1);
    row.accepted = time;
    ExpectSame(row);
    EXPECT_EQ(TimeOfColumn(ColumnTime(time)), time);
  }
}

TEST_F(RowColumnsTest, AFlippedBitInAnyColumnIsFound) {
  const SpoolRow row = *testing::Row(9);
  std::vector<std::string> columns;
  for (absl::string_view column : absl::StrSplit(kRowColumns, ", ")) {
    columns.emplace_back(column.substr(column.rfind('.') + 1));
  }
  ASSERT_EQ(columns.size(), 19u);
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool text = i >= 10 && i <= 17;
    // Of the flags, those bits that have a meaning.
    for (int bit : {0, 1, 2, 3, 4, 17, 62}) {
      if (columns[i] == "flags" && bit > 4) continue;
      if ((columns[i] == "coalesced" || columns[i] == "replays") && bit > 31) continue;
      if (text && bit > 7) continue;
      ASSERT_TRUE(db.Execute("DELETE FROM event").ok());
      Write(row);
      auto old = db.Ask(absl::StrCat("SELECT ", columns[i], " FROM event"));
      std::string value = text ? *old : absl::StrCat(std::stoll(*old) ^ (int64_t{1} << bit));
      if (text) value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ (1 << bit));
      auto update = db.Prepare(
          absl::StrCat("UPDATE event SET ", columns[i], "=", text ? "?" : "CAST(? AS INTEGER)"));
      ASSERT_TRUE(update.ok());
      update->Bind(std::string_view(value));
      ASSERT_TRUE(update->Run().ok());
      SpoolRow read;
      EXPECT_TRUE(absl::IsDataLoss(Read(&read))) << columns[i] << " bit " << bit;
    }
  }
}

TEST_F(RowColumnsTest, BytesThatMoveFromOneTextToTheNextAreFound) {
  Write(*testing::Row(9));
  ASSERT_TRUE(db.Execute("UPDATE event SET name=substr(name,2), "
                         "media_session_id=media_session_id||substr(name,1,1)")
                  .ok());
  SpoolRow read;
  EXPECT_TRUE(absl::IsDataLoss(Read(&read)));
}

}  // namespace
}  // namespace tallybus
