// What threads of a router wrote, until a publisher takes it.
#include "log_lines.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

namespace tallybus::engine {
namespace {

bool IsWoken(const Parking& parking) {
  pollfd fd = {parking.fd(), POLLIN, 0};
  return poll(&fd, 1, 0) == 1;
}

TEST(LogLinesTest, GivesEachLineOnceAndInOrder) {
  LogLines lines;
  EXPECT_TRUE(lines.Take().empty());
  lines.Put(TALLYBUS_LOG_INFO, "one");
  lines.Put(TALLYBUS_LOG_ERROR, "two");
  const std::vector<LogLine> taken = lines.Take();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].text, "one");
  EXPECT_EQ(taken[1].text, "two");
  EXPECT_EQ(taken[1].level, TALLYBUS_LOG_ERROR);
  EXPECT_TRUE(lines.Take().empty());
}

TEST(LogLinesTest, WakesTheFirstReaderThatIsThere) {
  LogLines lines;
  Parking first, second;
  lines.AddReader(&first);
  lines.AddReader(&second);
  lines.Put(TALLYBUS_LOG_INFO, "one");
  EXPECT_TRUE(IsWoken(first));
  EXPECT_FALSE(IsWoken(second));
  lines.RemoveReader(&first);  // and did not take it
  EXPECT_TRUE(IsWoken(second));
  lines.RemoveReader(&second);
  lines.Put(TALLYBUS_LOG_INFO, "two");
  EXPECT_EQ(lines.Take().size(), 2U);
}

TEST(LogLinesTest, TellsHowManyItLeftOut) {
  LogLines lines;
  for (int i = 0; i < 300; ++i) lines.Put(TALLYBUS_LOG_INFO, "line");
  std::vector<LogLine> taken = lines.Take();
  ASSERT_EQ(taken.size(), 257U);
  EXPECT_EQ(taken.back().text, "44 log lines of the router were left out");
  EXPECT_EQ(taken.back().level, TALLYBUS_LOG_WARNING);
  lines.Put(TALLYBUS_LOG_INFO, "next");
  EXPECT_EQ(lines.Take().size(), 1U);
}

TEST(LogLinesTest, TakesLinesOfSeveralThreads) {
  LogLines lines;
  const auto write = [&] {
    for (int i = 0; i < 100; ++i) lines.Put(TALLYBUS_LOG_INFO, "line");
  };
  std::thread one(write), two(write);
  size_t taken = 0;
  while (taken < 200) taken += lines.Take().size();
  one.join();
  two.join();
  EXPECT_EQ(taken, 200U);
}

}  // namespace
}  // namespace tallybus::engine
