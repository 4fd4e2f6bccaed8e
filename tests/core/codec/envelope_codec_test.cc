// The protobuf envelope to WCS JSON and back.
#include "codec/envelope_codec.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>

namespace tallybus {
namespace {

std::string Vector(const std::string& name) {
  std::ifstream file(std::string(TALLYBUS_VECTORS) + "/" + name);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

EventDefaults Defaults() {
  EventDefaults defaults;
  defaults.node_id = "n";
  defaults.now = absl::FromUnixSeconds(100);
  return defaults;
}

// The sample of a StreamStatusEvent, as an engine would fill it.
v1::Envelope Sample() {
  v1::Envelope envelope;
  envelope.set_method("StreamStatusEvent");
  envelope.set_node_id("Hw47CFMBEchV0pBMDr29IxjudnJ1sj0Y@192.168.1.101");
  envelope.set_app_key("defaultApp");
  envelope.set_session_id("/192.168.1.102:4388/192.168.1.101:8443");
  envelope.set_media_session_id("56141d10-fddc-11e6-ac3a-4d67d5b3360d");
  v1::StreamStatus& status = *envelope.mutable_stream_status();
  status.set_name("b4e7");
  status.set_published(true);
  status.set_has_video(true);
  status.set_has_audio(true);
  status.set_status("PUBLISHING");
  status.set_sdp(".....");
  status.set_record(false);
  status.set_width(0);
  status.set_height(0);
  status.set_bitrate(0);
  status.set_quality(0);
  status.set_media_provider("WebRTC");
  return envelope;
}

v1::Envelope Small() {
  v1::Envelope envelope;
  envelope.mutable_stream_status()->set_status("PLAYING");
  return envelope;
}

std::string JsonOf(const v1::Envelope& envelope) {
  absl::StatusOr<Event> event = EventFromEnvelope(envelope, Defaults());
  EXPECT_TRUE(event.ok()) << event.status();
  return event.ok() ? event->json : "";
}

std::string ReasonAgainst(const v1::Envelope& envelope) {
  absl::StatusOr<Event> event = EventFromEnvelope(envelope, Defaults());
  EXPECT_FALSE(event.ok()) << event->json.substr(0, 200);
  return event.ok() ? "" : std::string(MalformedReason(event.status()));
}

constexpr char kSmallHead[] = R"({"nodeId":"n","appKey":"defaultApp","sessionId":"",)"
                              R"("mediaSessionId":"","status":"PLAYING")";

TEST(EnvelopeCodecTest, ATypedStatusIsExactlyTheBytesOfTheSample) {
  const std::string sample = Vector("stream_status.json");
  ASSERT_FALSE(sample.empty());
  EXPECT_EQ(JsonOf(Sample()), sample);
}

TEST(EnvelopeCodecTest, TakesWhatRoutingNeeds) {
  v1::Envelope envelope = Sample();
  envelope.set_epoch(7);
  envelope.set_sequence(8);
  envelope.set_time_unix_us(1'700'000'000'123'456);
  const Event event = *EventFromEnvelope(envelope, Defaults());
  EXPECT_EQ(event.id, (EventId{7, 8}));
  EXPECT_EQ(absl::ToUnixMicros(event.time), 1'700'000'000'123'456);
  EXPECT_EQ(event.name, "b4e7");
  EXPECT_EQ(event.status, "PUBLISHING");
  EXPECT_TRUE(event.published);
  EXPECT_FALSE(event.terminal);
  EXPECT_EQ(event.session_id, "/192.168.1.102:4388/192.168.1.101:8443");
}

TEST(EnvelopeCodecTest, AFieldThatIsNotSetIsNotWritten) {
  EXPECT_EQ(JsonOf(Small()), std::string(kSmallHead) + "}");
}

TEST(EnvelopeCodecTest, AnEventWithoutTimeIsOfNow) {
  EXPECT_EQ(EventFromEnvelope(Small(), Defaults())->time, absl::FromUnixSeconds(100));
}

TEST(EnvelopeCodecTest, WritesEveryFieldOfNewerServers) {
  v1::Envelope envelope = Small();
  v1::StreamStatus& status = *envelope.mutable_stream_status();
  status.set_info("i");
  status.set_min_bitrate(1);
  status.set_max_bitrate(2);
  status.set_gop(3);
  status.set_fps(4);
  status.set_audio_bitrate(5);
  status.set_audio_codec("opus");
  status.set_video_codec("H264");
  status.set_codec_impl("x");
  status.set_transport("UDP");
  status.set_media_type("publish");
  status.set_record_name("r");
  status.set_history(true);
  status.set_cvo_extension(false);
  status.set_create_date(std::numeric_limits<int64_t>::max());
  status.set_audio_state("{\"muted\": true}");
  status.set_video_state("{}");
  status.set_custom("{ \"a\":[] }");
  EXPECT_EQ(JsonOf(envelope),
            std::string(kSmallHead) +
                R"(,"info":"i","minBitrate":1,"maxBitrate":2,"gop":3,"fps":4,"audioBitrate":5,)"
                R"("audioCodec":"opus","videoCodec":"H264","codecImpl":"x","transport":"UDP",)"
                R"("mediaType":"publish","recordName":"r","history":true,"cvoExtension":false,)"
                R"("createDate":9223372036854775807,"audioState":{"muted": true},"videoState":{},)"
                R"("custom":{ "a":[] }})");
}

TEST(EnvelopeCodecTest, TerminalIsByStatusOrByFlag) {
  v1::Envelope envelope = Small();
  envelope.mutable_stream_status()->set_status("STOPPED");
  EXPECT_TRUE(EventFromEnvelope(envelope, Defaults())->terminal);
  envelope.mutable_stream_status()->set_status("MY_OWN_END");
  EXPECT_FALSE(EventFromEnvelope(envelope, Defaults())->terminal);
  envelope.set_flags(1);
  EXPECT_TRUE(EventFromEnvelope(envelope, Defaults())->terminal);
  envelope.set_flags(2);
  EXPECT_FALSE(EventFromEnvelope(envelope, Defaults())->terminal);
}

TEST(EnvelopeCodecTest, UnknownFieldsAreKeptInOrderBothWays) {
  v1::Envelope envelope = Sample();
  envelope.set_extra(R"("region":"eu", "tier":2,"a":[1, 2])");
  const Event event = *EventFromEnvelope(envelope, Defaults());
  EXPECT_TRUE(
      event.json.ends_with(R"("mediaProvider":"WebRTC","region":"eu", "tier":2,"a":[1, 2]})"));
  v1::Envelope back;
  ASSERT_TRUE(back.ParseFromString(EnvelopeFromEvent(event)));
  ASSERT_TRUE(back.has_stream_status());
  EXPECT_EQ(back.extra(), R"("region":"eu","tier":2,"a":[1, 2])");
}

TEST(EnvelopeCodecTest, ExtraCannotBreakOutOfTheObject) {
  for (const char* extra : {R"("a":1},{"b":2)", R"("a":1}{"b":2)", R"("a":1})", ",", R"("a")", "}",
                            R"(,"a":1)", R"("a":1,)", "\"a\":\"\xff\""}) {
    v1::Envelope envelope = Small();
    envelope.set_extra(extra);
    const std::string reason = ReasonAgainst(envelope);
    EXPECT_TRUE(reason == "json" || reason == "utf8") << extra;
  }
}

TEST(EnvelopeCodecTest, AnObjectFieldCannotBreakOutOfItsPlace) {
  for (const char* custom :
       {R"({},"status":"STOPPED")", R"(1,"b":2)", "", "{}}", "[1]", "5", "null"}) {
    v1::Envelope envelope = Small();
    envelope.mutable_stream_status()->set_custom(custom);
    EXPECT_FALSE(EventFromEnvelope(envelope, Defaults()).ok()) << custom;
  }
}

TEST(EnvelopeCodecTest, TooDeepAnExtraIsRefused) {
  v1::Envelope envelope = Small();
  envelope.set_extra("\"a\":" + std::string(64, '[') + std::string(64, ']'));
  EXPECT_EQ(ReasonAgainst(envelope), "too_deep");
}

TEST(EnvelopeCodecTest, BadUtf8InAProtobufStringIsRefused) {
  std::string bytes = Small().SerializeAsString();
  bytes += "\x2a\x02\xc3\x28";  // node_id
  EXPECT_EQ(MalformedReason(EventFromEnvelope(bytes, Defaults()).status()), "protobuf");
}

TEST(EnvelopeCodecTest, WhatGrowsTooLargeByEscapingIsRefused) {
  v1::Envelope envelope = Small();
  envelope.mutable_stream_status()->set_sdp(std::string(kMaxEventBytes / 2, '\1'));
  EXPECT_EQ(ReasonAgainst(envelope), "too_large");
  v1::Envelope json;
  json.set_method("M");
  json.set_json("{}");
  json.set_session_id(std::string(kMaxEventBytes / 2, '\1'));
  EXPECT_EQ(ReasonAgainst(json), "too_large");
}

TEST(EnvelopeCodecTest, AJsonPayloadIsKeptAndTheEnvelopesIdsWinForRouting) {
  v1::Envelope envelope;
  envelope.set_method("CallStatusEvent");
  envelope.set_session_id("outer");
  envelope.set_json(R"({"nodeId":"N","appKey":"A", "sessionId":"inner","status":"FINISH"})");
  const Event event = *EventFromEnvelope(envelope, Defaults());
  EXPECT_EQ(event.session_id, "outer");
  EXPECT_EQ(event.json, envelope.json());
  EXPECT_TRUE(event.terminal);
}

TEST(EnvelopeCodecTest, AJsonPayloadGetsTheIdsThatTheEnvelopeKnows) {
  v1::Envelope envelope;
  envelope.set_method("M");
  envelope.set_session_id("s");
  envelope.set_media_session_id("m");
  envelope.set_json("{}");
  EXPECT_EQ(JsonOf(envelope),
            R"({"nodeId":"n","appKey":"defaultApp","sessionId":"s","mediaSessionId":"m"})");
}

TEST(EnvelopeCodecTest, TheMethodIsTheEnvelopesElseItsPayloads) {
  EXPECT_EQ(EventFromEnvelope(Small(), Defaults())->method, "StreamStatusEvent");
  v1::Envelope envelope = Small();
  envelope.set_method("Other");
  EXPECT_EQ(EventFromEnvelope(envelope, Defaults())->method, "Other");
  EventDefaults defaults = Defaults();
  defaults.method = "Frame";
  EXPECT_EQ(EventFromEnvelope(Small(), defaults)->method, "Frame");
  EXPECT_EQ(MalformedReason(EventFromEnvelope(envelope, defaults).status()), "method");
  v1::Envelope nameless;
  nameless.set_json("{}");
  EXPECT_EQ(ReasonAgainst(nameless), "method");
}

TEST(EnvelopeCodecTest, AnEnvelopeWithoutAPayloadIsRefused) {
  v1::Envelope envelope;
  envelope.set_method("M");
  EXPECT_EQ(ReasonAgainst(envelope), "protobuf");
}

TEST(EnvelopeCodecTest, AnErrorEventIsWrittenAsTheRouterWritesIt) {
  v1::Envelope envelope;
  envelope.set_session_id("s");
  v1::ErrorEvent& error = *envelope.mutable_error_event();
  error.set_name("x");
  error.set_method("StreamStatusEvent");
  error.set_status("FAILED");
  error.set_final(true);
  const Event event = *EventFromEnvelope(envelope, Defaults());
  EXPECT_EQ(event.method, kErrorEvent);
  EXPECT_EQ(event.json,
            R"({"nodeId":"n","appKey":"defaultApp","sessionId":"s","mediaSessionId":"",)"
            R"("name":"x","method":"StreamStatusEvent","eventId":"","route":"","status":"FAILED",)"
            R"("info":"","attempt":0,"final":true,"time":""})");
}

TEST(EnvelopeCodecTest, AnEventComesBackAsItWent) {
  Event event = *EventFromEnvelope(Sample(), Defaults());
  event.id = {0xffffffffffffffff, 3};
  const Event back = *EventFromEnvelope(EnvelopeFromEvent(event), Defaults());
  EXPECT_EQ(back.json, event.json);
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.time, event.time);
  EXPECT_EQ(LaneKey(back), LaneKey(event));
}

TEST(EnvelopeCodecTest, AStatusThatIsNotTypedTravelsAsJson) {
  for (const char* member :
       {R"("width":2147483648)", R"("width":-2147483649)", R"("width":1.0)", R"("width":"1")",
        R"("published":1)", R"("sdp":null)", R"("custom":[])", R"("nodeId":5)",
        R"("createDate":9223372036854775808)"}) {
    const std::string json = std::string("{\"appKey\":\"a\",") + member + "}";
    const Event event = *EventFromJson("StreamStatusEvent", json, Defaults());
    v1::Envelope envelope;
    ASSERT_TRUE(envelope.ParseFromString(EnvelopeFromEvent(event)));
    EXPECT_TRUE(envelope.has_json()) << member;
    EXPECT_EQ(EventFromEnvelope(envelope, Defaults())->json, event.json);
  }
}

TEST(EnvelopeCodecTest, OtherMethodsTravelAsJson) {
  const Event event = *EventFromJson("DataStatusEvent", R"({"status":"ACCEPTED"})", Defaults());
  v1::Envelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(EnvelopeFromEvent(event)));
  EXPECT_EQ(envelope.json(), event.json);
}

TEST(EnvelopeCodecTest, RefusesWhatIsNoEnvelope) {
  EXPECT_EQ(MalformedReason(EventFromEnvelope("\xff\xff", Defaults()).status()), "protobuf");
  EXPECT_EQ(
      MalformedReason(EventFromEnvelope(std::string(kMaxEventBytes + 1, 'x'), Defaults()).status()),
      "too_large");
}

}  // namespace
}  // namespace tallybus
