// The wire format's primitives, and a reader that trusts nothing.
#include "wire.h"

#include <gtest/gtest.h>

#include <string>

#include "tallybus/v1/bus.pb.h"

namespace tallybus::engine {
namespace {

TEST(WireTest, ReadsWhatTheProtobufRuntimeWrote) {
  v1::Hello hello;
  hello.set_protocol_min(300);
  hello.set_epoch(0xfedcba9876543210u);
  hello.set_node_id("node");
  const std::string bytes = hello.SerializeAsString();
  Reader in(bytes);
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.field(), 1u);
  EXPECT_EQ(in.number(), 300u);
  EXPECT_EQ(in.raw(), bytes.substr(0, 3));
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.field(), 4u);
  EXPECT_EQ(in.number(), 0xfedcba9876543210u);
  ASSERT_TRUE(in.Next());
  EXPECT_EQ(in.field(), 5u);
  EXPECT_EQ(in.bytes(), "node");
  EXPECT_EQ(in.number(), 0u);
  EXPECT_FALSE(in.Next());
  EXPECT_TRUE(in.ok());
}

TEST(WireTest, SizerAgreesWithWriterAtTheEdgesOfVarints) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{16383},
                               uint64_t{16384}, uint64_t{UINT32_MAX}, UINT64_MAX}) {
    Sizer sizer;
    sizer.Varint(16, value);
    std::string bytes(sizer.size() + 1, '#');
    Writer(bytes.data()).Varint(16, value);
    EXPECT_EQ(bytes.back(), '#') << value;
    Reader in(std::string_view(bytes).substr(0, sizer.size()));
    ASSERT_TRUE(in.Next()) << value;
    EXPECT_EQ(in.field(), 16u);
    EXPECT_EQ(in.number(), value);
    EXPECT_FALSE(in.Next());
  }
}

TEST(WireTest, WritesATimeOfEverySizeAsAVarint) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t edge = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    for (const uint64_t value : {edge, edge + 1, edge / 3 * 2}) {
      std::string plain(20, '#');
      std::string quick(20, '#');
      Writer in_plain(plain.data());
      in_plain.Varint(3, value);
      in_plain.Literal(4, "follows.");
      Writer in_quick(quick.data());
      in_quick.TimeVarint(3, value);
      in_quick.Literal(4, "follows.");
      EXPECT_EQ(quick.substr(0, 12), plain.substr(0, 12)) << value;
      Sizer sizer;
      sizer.TimeVarint(3, value);
      sizer.Literal(4, "follows.");
      EXPECT_EQ(quick.substr(0, sizer.size()), plain.substr(0, sizer.size())) << value;
    }
  }
}

TEST(WireTest, CopiesBytesOfEverySizeAndNoneBeside) {
  std::string text;
  for (size_t size = 0; size <= 300; ++size) {
    const std::string exact = text;  // its own memory: an overrun would be seen
    Sizer sizer;
    sizer.Bytes(1, exact);
    std::string bytes(sizer.size() + 1, '#');
    Writer(bytes.data()).Bytes(1, exact);
    EXPECT_EQ(bytes.back(), '#') << size;
    Reader in(std::string_view(bytes).substr(0, sizer.size()));
    ASSERT_TRUE(in.Next()) << size;
    EXPECT_EQ(in.bytes(), exact);
    EXPECT_FALSE(in.Next());
    text += static_cast<char>('a' + size % 26);
  }
}

TEST(WireTest, RefusesWhatIsNoMessage) {
  using namespace std::string_view_literals;
  const std::string_view malformed[] = {
      "\x0a"sv,  // a tag alone
      "\x0a\x05"
      "abc"sv,                                           // shorter than it says
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,  // longer than anything
      "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,  // a varint without end
      "\x00\x00"sv,                                      // field 0
      "\x09\x01\x02"sv,                                  // half a fixed64
      "\x0b\x0c"sv,                                      // a group
  };
  for (const std::string_view bytes : malformed) {
    Reader in(bytes);
    while (in.Next()) {
    }
    EXPECT_FALSE(in.ok()) << testing::PrintToString(bytes);
  }
}

TEST(WireTest, ReadsNothingFromAnEmptyMessage) {
  Reader in({});
  EXPECT_FALSE(in.Next());
  EXPECT_TRUE(in.ok());
}

TEST(WireTest, SurvivesEveryTruncationOfAMessage) {
  v1::Client client;
  client.set_session_id(std::string(200, 's'));
  client.set_json("{}");
  const std::string bytes = client.SerializeAsString();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);  // its own memory: an overrun would be seen
    Reader in(cut);
    while (in.Next()) ASSERT_LE(in.bytes().size(), cut.size());
  }
}

}  // namespace
}  // namespace tallybus::engine
