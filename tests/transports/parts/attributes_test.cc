// Attributes and tokens.
#include "transports/parts/attributes.h"

#include <gmock/gmock.h>

#include <set>

namespace tallybus::parts {

// GoogleMock prints and compares them.
bool operator==(const Attribute& a, const Attribute& b) {
  return a.name == b.name && a.value == b.value;
}

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::StartsWith;

Event Published() {
  Event event;
  event.id = {.epoch = 0xabc, .sequence = 7};
  event.time = absl::FromUnixMillis(1'767'225'600'123);
  event.method = "StreamStatusEvent";
  return event;
}

TEST(AttributesTest, SayWhatRestSaysInItsHeaderFields) {
  const Event event = Published();
  EXPECT_THAT(
      AttributesOf({event, "{}", "app/a b", 0, 1, false, false, 0}),
      ElementsAre(Attribute{"webhook-id", "0000000000000abc-7"},
                  Attribute{"tallybus-method", "StreamStatusEvent"},
                  Attribute{"tallybus-time", "2026-01-01T00:00:00.123Z"},
                  Attribute{"tallybus-lane", "app/a%20b"}, Attribute{"tallybus-attempt", "1"}));
}

TEST(AttributesTest, SayMoreWhereThereIsMore) {
  Event event = Published();
  event.from_router = true;
  const auto attributes = AttributesOf({event, "{}", "lane", 42, 3, true, true, 5});
  for (const Attribute& each : std::vector<Attribute>{{"tallybus-sequence", "42"},
                                                      {"tallybus-attempt", "3"},
                                                      {"tallybus-redelivery", "1"},
                                                      {"tallybus-reordered", "1"},
                                                      {"tallybus-coalesced", "5"},
                                                      {"tallybus-origin", "router"}}) {
    EXPECT_THAT(attributes, Contains(each));
  }
}

TEST(LaneTest, IsPercentEncodedButForUnreservedAndSlash) {
  EXPECT_EQ(EncodeLane("defaultApp/b4e7"), "defaultApp/b4e7");
  EXPECT_EQ(EncodeLane("A-z_0.9~/"), "A-z_0.9~/");
  EXPECT_EQ(EncodeLane("a b%\r\n\xd0\xb6+\0"), "a%20b%25%0D%0A%D0%B6%2B");
  EXPECT_EQ(EncodeLane(std::string_view("\0", 1)), "%00");
}

TEST(LaneTest, IsCutAt256BytesAndEndsInAHash) {
  const std::string longest(256, 'x');
  EXPECT_EQ(EncodeLane(longest), longest);
  const std::string longer(257, 'x');
  EXPECT_EQ(EncodeLane(longer).size(), 256u);
  EXPECT_THAT(EncodeLane(longer), StartsWith(std::string(239, 'x') + "~"));
}

TEST(LaneTest, IsNeverCutInsideAnEscape) {
  for (size_t lead = 0; lead < 3; ++lead) {
    const std::string encoded = EncodeLane(std::string(lead, 'x') + std::string(200, ' '));
    ASSERT_LE(encoded.size(), 256u);
    const std::string head = encoded.substr(0, encoded.size() - 17);
    EXPECT_EQ((head.size() - lead) % 3, 0u);
    EXPECT_EQ(encoded[head.size()], '~');
  }
}

TEST(LaneTest, TwoLongLanesStayDifferent) {
  const std::string common(300, 'x');
  EXPECT_NE(EncodeLane(common + "1"), EncodeLane(common + "2"));
}

TEST(TokenTest, IsOneTokenWhateverTheTextHolds) {
  EXPECT_EQ(TokenOf("defaultApp/cam-1_a"), "defaultApp%2Fcam-1_a");
  EXPECT_EQ(TokenOf("a.b c*d>e+f#g$h\t"), "a%2Eb%20c%2Ad%3Ee%2Bf%23g%24h%09");
  EXPECT_EQ(TokenOf(""), "~");
}

TEST(TokenTest, NoTwoTextsShareOne) {
  const std::string common(300, 'x');
  const std::vector<std::string> texts = {"",      "~",   "%",      "%7E",        "a.b",
                                          "a%2Eb", "a b", common,   common + "y", "%25",
                                          "a/b",   "a_b", "a%252Eb"};
  std::set<std::string> tokens;
  for (const std::string& text : texts) tokens.insert(TokenOf(text));
  tokens.insert(TokenOf(TokenOf(common)));
  EXPECT_EQ(tokens.size(), texts.size() + 1);
}

}  // namespace
}  // namespace tallybus::parts
