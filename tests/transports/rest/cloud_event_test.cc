// Events as CloudEvents.
#include "transports/rest/cloud_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CloudEventTest : public ::testing::Test {
 protected:
  CloudEventTest() {
    event_.id = {.epoch = 0xabc, .sequence = 7};
    event_.time = absl::FromUnixMillis(1'767'225'600'123);
    event_.method = "StreamStatusEvent";
    event_.node_id = "media-07";
    event_.app_key = "defaultApp";
    event_.session_id = "s1";
    event_.media_session_id = "m1";
  }
  std::string Write(std::string_view lane = "defaultApp/b4e7", uint64_t sequence = 42) {
    std::string out = "before ";
    AppendCloudEvent({event_, R"({"a":1})", lane, sequence, 1, false, false, 0}, &out);
    return out;
  }
  Event event_;
};

TEST_F(CloudEventTest, HasTheEventAsItsData) {
  EXPECT_EQ(
      Write(),
      R"(before {"specversion":"1.0","id":"0000000000000abc-7","source":"/media-07/defaultApp",)"
      R"("type":"tallybus.StreamStatusEvent","subject":"m1",)"
      R"("time":"2026-01-01T00:00:00.123Z","datacontenttype":"application/json",)"
      R"("sequence":"00000000000000000042","partitionkey":"defaultApp/b4e7",)"
      R"("data":{"a":1}})");
}

TEST_F(CloudEventTest, WhatIsUnusualWithItIsAnAttribute) {
  event_.from_router = true;
  std::string out;
  AppendCloudEvent({event_, "{}", "l", 1, 3, true, true, 2}, &out);
  EXPECT_THAT(out, HasSubstr(R"("attempt":3,"redelivery":true,"reordered":true,"coalesced":2,)"
                             R"("origin":"router","data":{})"));
}

TEST_F(CloudEventTest, TheSubjectIsTheMediaSessionOrElseTheSession) {
  event_.media_session_id.clear();
  EXPECT_THAT(Write(), HasSubstr(R"("subject":"s1")"));
  event_.session_id.clear();
  EXPECT_THAT(Write(), Not(HasSubstr("subject")));
}

TEST_F(CloudEventTest, TheSourceIsAUriWhateverTheNamesHold) {
  event_.node_id = "Hw47@192.168.1.101/x y\"";
  event_.app_key = "";
  EXPECT_THAT(Write(), HasSubstr(R"("source":"/Hw47%40192.168.1.101%2Fx%20y%22/-")"));
}

TEST_F(CloudEventTest, WhatComesFromOutsideIsEscaped) {
  event_.media_session_id = "a\"b\n";
  EXPECT_THAT(Write("lane\"x"), HasSubstr(R"("subject":"a\"b\n")"));
  EXPECT_THAT(Write("lane\"x"), HasSubstr(R"("partitionkey":"lane\"x")"));
}

TEST_F(CloudEventTest, SequencesSortAsTextAndAreNoneOutsideALane) {
  EXPECT_LT(Write("l", 9).substr(7), Write("l", 10).substr(7));
  EXPECT_THAT(Write("l", UINT64_MAX), HasSubstr(R"("sequence":"18446744073709551615")"));
  EXPECT_THAT(Write("", 0), Not(HasSubstr("sequence")));
  EXPECT_THAT(Write("", 0), Not(HasSubstr("partitionkey")));
}

}  // namespace
}  // namespace tallybus::rest
