// An event as an object and as a line.
#include "transports/parts/event_object.h"

#include <gmock/gmock.h>

namespace tallybus::parts {
namespace {

using ::testing::HasSubstr;

class EventObjectTest : public ::testing::Test {
 protected:
  EventObjectTest() {
    event_.id = {.epoch = 0xabc, .sequence = 7};
    event_.time = absl::FromUnixMillis(1'767'225'600'123);
    event_.method = "StreamStatusEvent";
  }
  std::string Line(std::string_view body) {
    std::string out = "before\n";
    AppendEventLine({event_, body, "app/\"x\"", 42, 1, false, false, 0}, &out);
    return out;
  }
  Event event_;
  const std::string member_ =
      R"("tallybus":{"method":"StreamStatusEvent","id":"0000000000000abc-7",)"
      R"("time":"2026-01-01T00:00:00.123Z","lane":"app/\"x\"","sequence":42}})";
};

TEST_F(EventObjectTest, EndsTheObjectWithWhatIsToBeSaidOfIt) {
  EXPECT_EQ(Line(R"({"a":1})"),
            "before\n"
            R"({"a":1,)" +
                member_ + "\n");
  EXPECT_EQ(Line("{ }"), "before\n{" + member_ + "\n");
}

TEST_F(EventObjectTest, AnObjectOfSeveralLinesBecomesOne) {
  EXPECT_EQ(Line("{\r\n \"a\": 1\r\n}\n"), "before\n{   \"a\": 1," + member_ + "\n");
}

TEST_F(EventObjectTest, SaysWhatThereIsToSay) {
  event_.from_router = true;
  std::string out;
  AppendEventLine({event_, "{}", "lane", 1, 3, true, true, 5}, &out);
  EXPECT_THAT(
      out,
      HasSubstr(
          R"("sequence":1,"attempt":3,"redelivery":true,"reordered":true,"coalesced":5,"origin":"router"})"));
}

}  // namespace
}  // namespace tallybus::parts
