// The plain reader says what protobuf says, or leaves it to protobuf.
#include "codec/envelope_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "codec/envelope_codec.h"
#include "tallybus/v1/bus.pb.h"

namespace tallybus {
namespace {

v1::Envelope Full() {
  v1::Envelope envelope;
  envelope.set_epoch(0xfedcba9876543210);
  envelope.set_sequence(300);
  envelope.set_time_unix_us(1'767'225'600'123'456);
  envelope.set_method("StreamStatusEvent");
  envelope.set_node_id("media-07");
  envelope.set_app_key("app");
  envelope.set_session_id("s1");
  envelope.set_media_session_id("m1");
  envelope.set_flags(1);
  envelope.set_extra(R"("region":"eu")");
  v1::StreamStatus& status = *envelope.mutable_stream_status();
  status.set_name("b4e7");
  status.set_published(true);
  status.set_has_video(false);
  status.set_status("PUBLISHING");
  status.set_width(-1);
  status.set_bitrate(2'000'000'000);
  status.set_create_date(-9'000'000'000);
  status.set_custom(R"({"a":1})");
  return envelope;
}

EventDefaults Defaults() {
  EventDefaults defaults;
  defaults.now = absl::FromUnixSeconds(100);
  return defaults;
}

// What the plain reader makes of them; nullopt: it leaves them to protobuf.
std::optional<Event> EventFromPlain(std::string_view bytes) {
  Event event;
  return FillEventFromPlain(bytes, Defaults(), &event) ? std::optional(event) : std::nullopt;
}

bool IsPlain(std::string_view bytes) {
  EnvelopeView view;
  return ViewOfPlain(bytes, &view);
}

// What protobuf makes of the bytes; nullopt: nothing.
std::optional<Event> ByProtobuf(const std::string& bytes) {
  v1::Envelope envelope;
  if (!envelope.ParseFromString(bytes)) return std::nullopt;
  auto event = EventFromEnvelope(envelope, Defaults());
  return event.ok() ? std::optional(*event) : std::nullopt;
}

void ExpectSame(const Event& a, const Event& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.time, b.time);
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.node_id, b.node_id);
  EXPECT_EQ(a.app_key, b.app_key);
  EXPECT_EQ(a.session_id, b.session_id);
  EXPECT_EQ(a.media_session_id, b.media_session_id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.published, b.published);
  EXPECT_EQ(a.terminal, b.terminal);
  EXPECT_EQ(a.json, b.json);
}

TEST(EnvelopeViewTest, ReadsEveryKindOfField) {
  const std::string bytes = Full().SerializeAsString();
  const auto plain = EventFromPlain(bytes);
  ASSERT_TRUE(plain);
  ExpectSame(*plain, *ByProtobuf(bytes));
  EXPECT_THAT(plain->json, ::testing::HasSubstr(R"("width":-1)"));
  EXPECT_THAT(plain->json, ::testing::HasSubstr(R"("createDate":-9000000000)"));
}

TEST(EnvelopeViewTest, ReadsABodyOfJson) {
  v1::Envelope envelope = Full();
  envelope.set_json(R"({"name":"x","status":"y"})");
  envelope.clear_extra();
  const std::string bytes = envelope.SerializeAsString();
  const auto plain = EventFromPlain(bytes);
  ASSERT_TRUE(plain);
  ExpectSame(*plain, *ByProtobuf(bytes));
}

TEST(EnvelopeViewTest, ReadsABoolOfManyBitsAndCutsAnIntegerOfThem) {
  // published and width, each 1 << 32
  const std::string status("\x10\x80\x80\x80\x80\x10\x40\x80\x80\x80\x80\x10", 12);
  const std::string bytes = "\x52\x0c" + status;
  const auto plain = EventFromPlain(bytes);
  ASSERT_TRUE(plain);
  EXPECT_THAT(plain->json, ::testing::HasSubstr(R"("published":true,"width":0)"));
  ExpectSame(*plain, *ByProtobuf(bytes));
}

TEST(EnvelopeViewTest, LeavesTheUnusualToProtobuf) {
  v1::Envelope error = Full();
  error.mutable_error_event()->set_status("FAILED");
  EXPECT_FALSE(IsPlain(error.SerializeAsString()));
  const std::string bytes = Full().SerializeAsString();
  EXPECT_FALSE(IsPlain(bytes + bytes)) << "fields that come again";
  EXPECT_FALSE(IsPlain(bytes + "\x7a\x01x")) << "a field that is not known";
  EXPECT_FALSE(IsPlain(bytes.substr(0, bytes.size() - 1))) << "not whole";
  EXPECT_FALSE(IsPlain("\xe2\x80\x80\x80\x80")) << "a long tag";
  const std::string long_tag("\xe2\x80\x80\x80\x80\x00\x02{}", 9);
  EXPECT_FALSE(IsPlain(long_tag));
  const std::string long_size("\x62\x82\x80\x80\x80\x80\x00{}", 9);
  EXPECT_FALSE(IsPlain(long_size));
  EXPECT_FALSE(v1::Envelope().ParseFromString(long_tag));
  EXPECT_FALSE(v1::Envelope().ParseFromString(long_size));
  EXPECT_FALSE(IsPlain(std::string(1, '\x10'))) << "a number that is missing";
  EXPECT_FALSE(IsPlain("\x10\x80\x80")) << "a number that does not end";
  EXPECT_FALSE(IsPlain("\x10" + std::string(10, '\x80') + "\x01")) << "a number of 77 bits";
  EXPECT_FALSE(IsPlain(std::string("\x09\x01\x02\x03", 4))) << "an epoch of three bytes";
  EXPECT_FALSE(IsPlain("\x15\x01\x02\x03\x04")) << "a number of another kind";
  EXPECT_FALSE(IsPlain(std::string(1, '\x22'))) << "a text without its size";
  EXPECT_FALSE(
      IsPlain("\x22\x05"
              "four"))
      << "a text that is longer than what is there";
  EXPECT_FALSE(IsPlain("\x52\x02\x0a\x01")) << "the same within the stream's status";
  EXPECT_FALSE(IsPlain("\x52\x04\x10\x01\x10\x01")) << "a field of it that comes again";
  EXPECT_FALSE(IsPlain("\x52\x02\x08\x01")) << "its name as a number";
  v1::Envelope text = Full();
  text.set_session_id("\xff");
  EXPECT_FALSE(EventFromPlain(text.SerializeAsString())) << "not UTF-8";
  EXPECT_FALSE(EventFromPlain("")) << "no payload";
}

TEST(EnvelopeViewTest, FindsTheEnvelopeOfARecord) {
  v1::Record record;
  *record.mutable_event() = Full();
  const std::string bytes = record.SerializeAsString();
  EXPECT_EQ(EnvelopeInPlain(bytes), Full().SerializeAsString());
  EXPECT_FALSE(EnvelopeInPlain(bytes + bytes));
  EXPECT_FALSE(EnvelopeInPlain(""));
  record.mutable_session()->set_session_id("s");
  EXPECT_FALSE(EnvelopeInPlain(record.SerializeAsString()));
}

// Whatever is done to the bytes: what the plain reader takes, protobuf takes as the same event.
TEST(EnvelopeViewTest, NeverDisagrees) {
  const std::string good = Full().SerializeAsString();
  std::minstd_rand random(1);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (int n = 1 + static_cast<int>(random() % 3); n > 0; --n) {
      const size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1);
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random()));
      }
    }
    const auto plain = EventFromPlain(bytes);
    if (!plain) continue;
    ++taken;
    const auto other = ByProtobuf(bytes);
    ASSERT_TRUE(other) << i;
    ExpectSame(*plain, *other);
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace tallybus
