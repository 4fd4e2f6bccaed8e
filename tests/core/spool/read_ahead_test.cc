// How what is read ahead grows where it is used, and shrinks where it is not.
#include "spool/read_ahead.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tallybus {
namespace {

class ReadAheadTest : public ::testing::Test {
 protected:
  // "after-through" of what is read; "" where nothing is.
  std::string Next(std::vector<SpoolSeq> missing) {
    const std::optional<SeqRange> range = ahead.Next(missing);
    return range ? std::to_string(range->after) + "-" + std::to_string(range->through) : "";
  }
  void Used(int times) {
    for (int i = 0; i < times; ++i) ahead.Used();
  }

  ReadAhead ahead;
};

TEST_F(ReadAheadTest, BeginsAfterTheFirstThatIsMissing) {
  EXPECT_EQ(Next({1002, 1000, 1001}), "1000-1008");
  EXPECT_EQ(Next({1003}), "") << "it is on its way";
}

TEST_F(ReadAheadTest, DoublesWhereHalfOfItWasUsedUpToABound) {
  Next({1000});
  Used(3);
  EXPECT_EQ(Next({1004}), "");
  Used(1);
  EXPECT_EQ(Next({1004}), "1008-1024");
  Used(8);
  EXPECT_EQ(Next({1010}), "1024-1056");
  Used(256);
  EXPECT_EQ(Next({1010}), "1056-1312");
  Used(256);
  EXPECT_EQ(Next({1313}), "1312-1568") << "no more than this";
}

TEST_F(ReadAheadTest, ShrinksWhereLittleWasUsed) {
  Next({1000});
  Used(256);
  EXPECT_EQ(Next({1100}), "1008-1264");
  Used(10);
  EXPECT_EQ(Next({1265}), "1264-1304");
  EXPECT_EQ(Next({1305}), "1304-1312");
}

TEST_F(ReadAheadTest, MovesToWhatLiesFarBeyond) {
  Next({1000});
  EXPECT_EQ(Next({9000}), "9000-9008");
}

TEST_F(ReadAheadTest, ALaneThatComesAfterTheOthersDoesNotMoveItButMostLanesDo) {
  Next({9000});
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Next({1000}), "");
  Used(1);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Next({1000}), "");
  EXPECT_EQ(Next({1000}), "1000-1008");
}

}  // namespace
}  // namespace tallybus
