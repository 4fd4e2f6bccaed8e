// The bodies of batches.
#include "transports/rest/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace tallybus::rest {
namespace {

using ::testing::HasSubstr;
using ::testing::Ne;

class BatchBodyTest : public ::testing::Test {
 protected:
  BatchBodyTest() {
    event_.id = {.epoch = 0xabc, .sequence = 7};
    event_.time = absl::FromUnixMillis(1'767'225'600'123);
    event_.method = "StreamStatusEvent";
  }
  Parcel Of(std::string_view body, int attempt = 1) {
    return {event_, body, "app/\"x\"", 42, attempt, false, false, 0};
  }
  std::string Write(Format format, const std::vector<Parcel>& parcels) {
    std::string out = "what was there before";
    WriteBody(format, parcels, &out);
    return out;
  }
  Event event_;
  const std::string member_ =
      R"("tallybus":{"method":"StreamStatusEvent","id":"0000000000000abc-7",)"
      R"("time":"2026-01-01T00:00:00.123Z","lane":"app/\"x\"","sequence":42})";
};

TEST_F(BatchBodyTest, AnArrayHoldsEachObjectWithWhatAHeaderWouldSay) {
  EXPECT_EQ(Write(Format::kJsonArray, {Of(R"({"a":1})"), Of("{ }")}),
            R"([{"a":1,)" + member_ + "},{" + member_ + "}]");
}

TEST_F(BatchBodyTest, LinesEndEachObject) {
  EXPECT_EQ(Write(Format::kNdjson, {Of(R"({"a":1})"), Of(R"({"b":2})")}),
            R"({"a":1,)" + member_ + "}\n" + R"({"b":2,)" + member_ + "}\n");
}

TEST_F(BatchBodyTest, AnObjectOfSeveralLinesBecomesOne) {
  EXPECT_EQ(Write(Format::kNdjson, {Of("{\r\n \"a\": 1\r\n}\n")}),
            "{   \"a\": 1," + member_ + "}\n");
}

TEST_F(BatchBodyTest, SaysWhatThereIsToSay) {
  event_.from_router = true;
  const Parcel parcel{event_, "{}", "lane", 1, 3, true, true, 5};
  EXPECT_THAT(
      Write(Format::kJsonArray, {parcel}),
      HasSubstr(
          R"("sequence":1,"attempt":3,"redelivery":true,"reordered":true,"coalesced":5,"origin":"router"})"));
}

TEST_F(BatchBodyTest, CloudEventsStandAloneOrInAnArray) {
  const std::string one = Write(Format::kCloudEvents, {Of(R"({"a":1})")});
  EXPECT_THAT(one, ::testing::StartsWith(R"({"specversion":"1.0","id":"0000000000000abc-7")"));
  EXPECT_EQ(Write(Format::kCloudEventsBatch, {Of(R"({"a":1})"), Of(R"({"a":1})")}),
            "[" + one + "," + one + "]");
}

TEST_F(BatchBodyTest, TheIdIsThatOfTheSameEvents) {
  Event other = event_;
  other.id.sequence = 8;
  const Parcel a = Of("{}"), again = Of("{}", 9), b{other, "{}", "lane", 1, 1, false, false, 0};
  const std::string id = BatchId(std::vector{a, b});
  EXPECT_THAT(id, ::testing::MatchesRegex("batch-[0-9a-f]{16}"));
  EXPECT_EQ(id, BatchId(std::vector{again, b}));
  EXPECT_THAT(BatchId(std::vector{b, a}), Ne(id));
  EXPECT_THAT(BatchId(std::vector{a}), Ne(id));
}

}  // namespace
}  // namespace tallybus::rest
