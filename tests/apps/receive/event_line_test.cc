// The readable line, read.
#include "apps/receive/event_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::receive {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EventLine Whole() {
  EventLine line;
  line.time = "2026-01-31T23:59:59.123Z";
  line.method = "StreamStatusEvent";
  line.status = "PUBLISHING";
  line.name = "cam-1";
  return line;
}

TEST(EventLineTest, PutsWhatIsAlwaysThereIntoColumns) {
  EXPECT_EQ(FormatEventLine(Whole()),
            "2026-01-31T23:59:59.123Z  StreamStatusEvent      PUBLISHING    cam-1");
}

TEST(EventLineTest, NamesWhatElseIsKnown) {
  EventLine line = Whole();
  line.session_id = "/10.0.0.1:80/x";
  line.info = "Not Found";
  line.id = "00000000000000aa-3";
  line.lane = "defaultApp/cam-1";
  line.sequence = 3;
  line.attempt = 2;
  line.answer = "500";
  line.marks = {"redelivery", "duplicate"};
  EXPECT_THAT(FormatEventLine(line),
              HasSubstr("cam-1  session /10.0.0.1:80/x  info Not Found  id 00000000000000aa-3  "
                        "lane defaultApp/cam-1#3  attempt 2  -> 500  [redelivery]  [duplicate]"));
}

TEST(EventLineTest, ShowsAbsentStatusAndNameAsDashes) {
  EventLine line = Whole();
  line.status = "";
  line.name = "";
  EXPECT_THAT(FormatEventLine(line), HasSubstr("StreamStatusEvent      -             -"));
}

TEST(EventLineTest, LetsNoValueDriveTheTerminalOrBeginALine) {
  EventLine line = Whole();
  line.name = "a\x1b[2Jb\nc\x7f\xC2\x9B";
  const std::string text = FormatEventLine(line);
  EXPECT_THAT(text, HasSubstr("a\\x1b[2Jb\\x0ac\\x7f\\xc2"));
  for (char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  EXPECT_THAT(text, Not(HasSubstr("\xC2\x9B")));
}

TEST(EventLineTest, CutsALongValueAtACharactersEnd) {
  EventLine line = Whole();
  std::string name(159, 'x');
  name += "\xC3\xA9 and more";
  line.name = name;
  EXPECT_THAT(FormatEventLine(line), ::testing::EndsWith(std::string(159, 'x') + "..."));
}

}  // namespace
}  // namespace tallybus::receive
