// Tables as a terminal shows them.
#include "apps/tallybus/table.h"

#include <gtest/gtest.h>

namespace tallybus::cli {
namespace {

TEST(TableTest, AlignsItsColumnsAndLeavesNoSpaceAtTheEnd) {
  Table table({"ID", "ROUTE", "AGE"});
  table.Add({"17", "defaultApp/backend", "3s"});
  table.Add({"1800", "", "12m"});
  table.Add({"9", "x"});
  EXPECT_EQ(table.Render(0),
            "ID    ROUTE               AGE\n"
            "17    defaultApp/backend  3s\n"
            "1800                      12m\n"
            "9     x\n");
  EXPECT_EQ(table.rows(), 3u);
}

TEST(TableTest, HasNoHeadWithoutTitlesAndNothingWithoutRows) {
  Table table;
  EXPECT_EQ(table.Render(80), "");
  table.Add({"status", "ok"});
  EXPECT_EQ(table.Render(80), "status  ok\n");
}

TEST(TableTest, CountsColumnsOfTheTerminalAndNotBytes) {
  Table table({"NAME", "X"});
  table.Add({"Kamera é", "1"});
  table.Add({"e\xcc\x81t\xc3\xa9", "2"});        // e and a combining accent
  table.Add({"\xe6\x97\xa5\xe6\x9c\xac", "3"});  // two wide characters
  EXPECT_EQ(table.Render(0),
            "NAME      X\n"
            "Kamera é  1\n"
            "e\xcc\x81t\xc3\xa9       2\n"
            "\xe6\x97\xa5\xe6\x9c\xac      3\n");
}

TEST(TableTest, ShowsControlCharactersAndBrokenBytesAsWhatTheyAre) {
  EXPECT_EQ(Printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(Printable(std::string_view("\0\x1b[31m\x7f", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m")
      << "an escape sequence's other beginning";
  EXPECT_EQ(Printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(Printable("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80")
      << "overlong, and a surrogate";
  EXPECT_EQ(Printable("\xe2\x80\xae"
                      "exe.txt"),
            "\\u202eexe.txt")
      << "turned to the left";
  EXPECT_EQ(Printable("C:\\x é \xf0\x9f\x8e\xa5"), "C:\\x é \xf0\x9f\x8e\xa5");
  EXPECT_EQ(Printable(""), "");
}

TEST(TableTest, ACellCannotBecomeASecondRow) {
  Table table;
  table.Add({"a\nforged", "b"});
  EXPECT_EQ(table.Render(0), "a\\nforged  b\n");
}

TEST(TableTest, CutsTheWidestCellsToTheTerminal) {
  Table table({"ID", "REASON", "URL"});
  table.Add({"1", "connection refused by peer", "http://a"});
  EXPECT_EQ(table.Render(30),
            "ID  REASON            URL\n"
            "1   connection refu…  http://a\n");
  EXPECT_EQ(table.Render(40),
            "ID  REASON                      URL\n"
            "1   connection refused by peer  http://a\n");
}

TEST(TableTest, CutsBetweenCharactersAndCountsWideOnes) {
  Table table;
  table.Add({"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"});
  EXPECT_EQ(table.Render(8), "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e…\n");
  EXPECT_EQ(table.Render(10), "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5…\n");
}

TEST(TableTest, LeavesEnoughOfEachColumnToReadHoweverNarrowTheTerminal) {
  Table table;
  table.Add({"0123456789", "0123456789"});
  EXPECT_EQ(table.Render(1), "0123456…  0123456…\n");
}

TEST(TableTest, AFileIsNoTerminal) { EXPECT_EQ(TerminalWidth(-1), 0u); }

}  // namespace
}  // namespace tallybus::cli
