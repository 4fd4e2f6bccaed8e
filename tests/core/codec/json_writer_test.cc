// JSON text, byte by byte.
#include "codec/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

TEST(JsonWriterTest, WritesMembersInOrderWithoutSpace) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.String("s", "x");
  writer.Int("i", -5);
  writer.Bool("t", true);
  writer.Bool("f", false);
  writer.Raw("o", "{\"a\": 1}");
  writer.Members(R"("m":1,"n":[])");
  writer.Close();
  EXPECT_EQ(json, R"({"s":"x","i":-5,"t":true,"f":false,"o":{"a": 1},"m":1,"n":[]})");
}

TEST(JsonWriterTest, AnObjectWithoutMembersIsEmpty) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.Members("");
  writer.Close();
  EXPECT_EQ(json, "{}");
}

TEST(JsonWriterTest, MembersAloneNeedNoComma) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.Members("\"a\":1");
  writer.Close();
  EXPECT_EQ(json, "{\"a\":1}");
}

TEST(JsonWriterTest, WritesBehindWhatIsThere) {
  std::string text = "before ";
  JsonObjectWriter writer(&text);
  writer.Bool("a", true);
  writer.Close();
  JsonObjectWriter empty(&text);
  empty.Close();
  EXPECT_EQ(text, R"(before {"a":true}{})");
}

TEST(JsonWriterTest, TakesTheLongestKey) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.String("twenty-eight-bytes-of-a-name", "");
  writer.Int("twenty-eight-bytes-of-a-kind", 1);
  writer.Close();
  EXPECT_EQ(json, R"({"twenty-eight-bytes-of-a-name":"","twenty-eight-bytes-of-a-kind":1})");
}

TEST(JsonWriterTest, EndsWithEitherBool) {
  for (bool value : {true, false}) {
    std::string json;
    JsonObjectWriter writer(&json);
    writer.Bool("b", value);
    writer.Close();
    EXPECT_EQ(json, value ? R"({"b":true})" : R"({"b":false})");
  }
}

TEST(JsonWriterTest, EscapesWhatMustBeEscapedAndNothingElse) {
  EXPECT_EQ(Quoted("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
  EXPECT_EQ(Quoted(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(Quoted("/é😀'<>&"), "\"/é😀'<>&\"");
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("a\nb"), R"("a\nb")");
}

TEST(JsonWriterTest, AStringOfAnyBytesIsUtf8) {
  EXPECT_EQ(JsonString("a\"b\\c\n\x1f"), R"("a\"b\\c\n\u001f")");
  EXPECT_EQ(JsonString("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\xA5"),
            "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\xA5\"");
  EXPECT_EQ(JsonString("a\xFF\xC3"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(JsonString("\xFF\"\n"), "\"\xEF\xBF\xBD\\\"\\n\"")
      << "what is valid is escaped as ever";
  EXPECT_EQ(JsonString(""), "\"\"");
}

TEST(JsonWriterTest, FindsWhatMustBeEscapedWhereverItStands) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const auto& [raw, escaped] :
           {std::pair('"', "\\\""), std::pair('\\', "\\\\"), std::pair('\n', "\\n"),
            std::pair('\x1f', "\\u001f"), std::pair('\0', "\\u0000"), std::pair('\x7f', "\x7f"),
            std::pair('\x80', "\x80"), std::pair(' ', " ")}) {
        std::string value(size, 'x');
        value[at] = raw;
        std::string expected(size, 'x');
        expected.replace(at, 1, escaped);
        std::string json;
        JsonObjectWriter writer(&json);
        writer.String("k", value);
        writer.String("after", value);
        writer.Close();
        EXPECT_EQ(json, "{\"k\":\"" + expected + "\",\"after\":\"" + expected + "\"}");
        EXPECT_EQ(Quoted(value), "\"" + expected + "\"");
      }
    }
  }
}

TEST(JsonWriterTest, NeedsNoMoreRoomThanWhatItWrites) {
  for (const char* text :
       {"v=0\r\n", "a=rtpmap:96 H264/90000\r\na=fmtp:96 level-asymmetry-allowed=1\r\n"}) {
    std::string value;
    for (int i = 0; i < 40; ++i) value += text;
    std::string json;
    // Behind a value, the writer makes room for a key and a number whatever their lengths are.
    json.reserve(2 * value.size() + 2 * JsonKey::kRoom + 32);
    const size_t reserved = json.capacity();
    JsonObjectWriter writer(&json);
    writer.String("sdp", value);
    writer.Int("width", 0);
    writer.Close();
    EXPECT_EQ(json.capacity(), reserved) << json.size();
  }
}

TEST(JsonWriterTest, EscapesTextsOfAnyLength) {
  std::string value;
  std::string expected;
  for (int line = 0; value.size() < 5000; ++line) {
    const std::string text(static_cast<size_t>(line % 41), 'x');
    value += text + "\r\n\x01";
    expected += text + R"(\r\n\u0001)";
    std::string json;
    JsonObjectWriter writer(&json);
    writer.String("k", value);
    writer.Int("after", 1);
    writer.Close();
    ASSERT_EQ(json, "{\"k\":\"" + expected + "\",\"after\":1}");
    ASSERT_EQ(Quoted(value), "\"" + expected + "\"");
  }
  const std::string control(5000, '\x1f');
  std::string json;
  JsonObjectWriter writer(&json);
  writer.String("k", control);
  writer.Close();
  EXPECT_EQ(json.size(), 6 * control.size() + std::string_view(R"({"k":""})").size());
}

TEST(JsonWriterTest, WritesTheOutermostIntegers) {
  std::string json;
  JsonObjectWriter writer(&json);
  writer.Int("min", std::numeric_limits<int64_t>::min());
  writer.Int("max", std::numeric_limits<int64_t>::max());
  writer.Close();
  EXPECT_EQ(json, R"({"min":-9223372036854775808,"max":9223372036854775807})");
}

}  // namespace
}  // namespace tallybus
