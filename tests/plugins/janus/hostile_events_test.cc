// Events that no Janus should send: the mapping runs inside a media server and must survive them.
#include <gtest/gtest.h>

#include <random>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

const std::vector<std::string> kRecordings = {"publish",
                                              "subscribe_twice",
                                              "watch_mountpoint_twice",
                                              "ice_failed",
                                              "session_timed_out_while_publishing",
                                              "room_destroyed_then_kicked"};

// Values of every type and of awkward sizes.
Json AnyValue(std::mt19937& random) {
  switch (random() % 9) {
    case 0:
      return Json(json_null());
    case 1:
      return Json(json_true());
    case 2:
      return Json(json_integer(-1));
    case 3:
      return Json(json_integer(INT64_MAX));
    case 4:
      return Json(json_real(1e300));
    case 5:
      return Json(json_string(""));
    case 6:
      return Json(json_stringn_nocheck("a\0b\xC3", 4));
    case 7:
      return Json(json_array());
    default:
      return Json(json_string(std::string(100'000, 'x').c_str()));
  }
}

// Replaces or removes one member somewhere below json.
void Damage(json_t* json, std::mt19937& random) {
  if (json_is_array(json) && json_array_size(json) > 0) {
    return Damage(json_array_get(json, random() % json_array_size(json)), random);
  }
  if (!json_is_object(json) || json_object_size(json) == 0) return;
  void* member = json_object_iter(json);
  for (size_t skip = random() % json_object_size(json); skip > 0; --skip) {
    member = json_object_iter_next(json, member);
  }
  json_t* value = json_object_iter_value(member);
  if ((json_is_object(value) || json_is_array(value)) && random() % 4 != 0) {
    return Damage(value, random);
  }
  if (random() % 4 == 0) {
    json_object_del(json, json_object_iter_key(member));
  } else {
    json_object_iter_set_new(json, member, AnyValue(random).release());
  }
}

TEST(HostileEventsTest, WhatIsNoEventMeansNothing) {
  StreamMapping mapping({});
  for (const char* text : {"null", "[]", "{}", "1", "\"x\"", R"({"type":1})", R"({"type":"1"})",
                           R"({"type":64,"event":{"plugin":"janus.plugin.videoroom"}})",
                           R"({"type":1,"session_id":0,"event":{"name":"created"}})",
                           R"({"type":32,"session_id":1,"handle_id":1,"event":[[]]})"}) {
    EXPECT_TRUE(mapping.Map(Parse(text).get()).empty()) << text;
  }
  EXPECT_TRUE(mapping.Map(nullptr).empty());
}

TEST(HostileEventsTest, DamagedEventsNeverCrashAndEveryStartHasAtMostOneEnd) {
  std::mt19937 random(4711);
  for (int round = 0; round < 2000; ++round) {
    Json recording = Recording(kRecordings[random() % kRecordings.size()]);
    for (int damage = 0; damage < 5; ++damage) Damage(recording.get(), random);
    StreamMapping mapping({.sdp = true});
    std::map<std::string, int> ends;
    auto count = [&](const std::vector<WcsEvent>& events) {
      for (const WcsEvent& event : Streams(events)) {
        ends[event.media_session_id] += event.IsTerminal() ? 1 : 0;
      }
    };
    for (size_t i = 0; i < json_array_size(recording.get()); ++i) {
      count(mapping.Map(json_array_get(recording.get(), i)));
    }
    count(mapping.EndAll("over", 1));
    for (const auto& [stream, times] : ends) EXPECT_EQ(times, 1) << stream;
    EXPECT_EQ(mapping.session_count() + mapping.handle_count() + mapping.feed_count(), 0U);
  }
}

TEST(HostileEventsTest, ALongNameIsCutAtTheEndOfACharacter) {
  StreamMapping mapping({});
  const std::string origin = R"("session_id":1,"handle_id":2,)";
  mapping.Map(Parse(R"({"type":1,"session_id":1,"event":{"name":"created"}})").get());
  mapping.Map(Parse(R"({"type":2,)" + origin +
                    R"("event":{"name":"attached","plugin":"janus.plugin.videoroom"}})")
                  .get());
  std::string display;
  while (display.size() < 100'000) display += "€";  // three bytes each
  const std::vector<WcsEvent> events =
      mapping.Map(Parse(R"({"type":64,)" + origin +
                        R"("event":{"plugin":"janus.plugin.videoroom","data":
                        {"event":"published","room":1,"id":3,"display":")" +
                        display + R"("}}})")
                      .get());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name.size(), 2U + 255U);
}

}  // namespace
}  // namespace tallybus::janus
