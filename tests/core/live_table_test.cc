// What has begun and not ended, and what is said in an engine's place.
#include "live_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kEngine[] = "engine";

class LiveTableTest : public ::testing::Test {
 protected:
  void Note(const Event& event, const std::string& source = kEngine) {
    table.Note(source, event, now, &changes);
  }
  void Note(const std::string& name, const std::string& status) {
    Note(testing::StatusEvent(name, status));
  }
  std::vector<LiveRecord> TakeChanges() { return std::exchange(changes, {}); }
  // "<name or session> <status>", sorted.
  static std::vector<std::string> Told(const std::vector<Event>& events) {
    std::vector<std::string> told;
    for (const Event& event : events) {
      told.push_back((event.name.empty() ? event.session_id : event.name) + " " + event.status);
    }
    std::sort(told.begin(), told.end());
    return told;
  }
  std::vector<Event> End(bool lost = true) {
    return table.End(kEngine, "engine lost", lost, wall, &changes);
  }
  std::vector<Event> EndStale(absl::Duration limit) {
    return table.EndStale([=](std::string_view) { return limit; },
                          [](const std::string& source) { return source == "node/watched"; }, now,
                          wall, &changes);
  }
  // "<key> <status>", in the list's order.
  std::vector<std::string> Listed(bool streams, const std::string& after = "") const {
    std::vector<std::string> rows;
    table.Walk(streams, after, [&](const LiveTable::Listed& row) {
      rows.push_back(std::string(row.key).append(" ").append(row.status));
      return true;
    });
    return rows;
  }
  static SessionChange Session(const std::string& id,
                               SessionChange::Action action = SessionChange::Action::kOpen) {
    return {action, id, "app", std::nullopt, 5};
  }

  LiveTable table;
  LiveTable::Changes changes;
  MonoTime now = MonoTime::AtOffset(absl::Hours(10));
  absl::Time wall = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(LiveTableTest, AStreamLivesFromItsFirstStatusToItsEnd) {
  Note("a", "PUBLISHING");
  EXPECT_EQ(table.size(), 1u);
  Note("a", "UNPUBLISHED");
  EXPECT_EQ(table.size(), 0u);
  EXPECT_THAT(End(), IsEmpty());
}

TEST_F(LiveTableTest, AnEndThatBeganNowhereIsNothing) {
  Note("a", "UNPUBLISHED");
  EXPECT_EQ(table.size(), 0u);
  EXPECT_THAT(changes, IsEmpty());
}

TEST_F(LiveTableTest, OnlyChangesOfStatusAreWorthAWriteAndNoSdpIsKept) {
  for (int i = 0; i < 50; ++i) Note("a", "PUBLISHING");
  auto written = TakeChanges();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].source, kEngine);
  EXPECT_EQ(written[0].key, "stream/media-a");
  EXPECT_THAT(written[0].json, HasSubstr("PUBLISHING"));
  EXPECT_THAT(written[0].json, Not(HasSubstr("sdp")));
  Note("a", "PAUSED");
  EXPECT_THAT(TakeChanges(), SizeIs(1));
  Note("a", "STOPPED");
  written = TakeChanges();
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0].json, "") << "it is forgotten";
}

TEST_F(LiveTableTest, AStreamWithoutAMediaSessionIsKnownByItsAppAndName) {
  Event event = testing::StatusEvent("a", "PUBLISHING");
  event.media_session_id = "";
  Note(event);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].key, "stream/defaultApp/a");
  event.name = "";
  Note(event);
  event.method = "CallStatusEvent";
  Note(event);
  EXPECT_EQ(table.size(), 1u) << "what has no name, or is no stream, has no life";
}

TEST_F(LiveTableTest, ALostEnginesStreamsEndBeforeItsSessions) {
  table.Name(kEngine, "node-1");
  table.NoteSession(kEngine, Session("s1"));
  table.NoteSession(kEngine, Session("s2"));
  table.NoteSession(kEngine, Session("s2", SessionChange::Action::kClose));
  Note("a", "PUBLISHING");
  Note("b", "PLAYING");
  const std::vector<Event> ends = End();
  EXPECT_THAT(Told(ends), ElementsAre("a FAILED", "b FAILED", "s1 DISCONNECTED"));
  EXPECT_EQ(ends.back().method, kConnectionStatusEvent);
  EXPECT_EQ(ends.back().app_key, "app");
  EXPECT_EQ(ends.back().json,
            R"({"nodeId":"node-1","appKey":"app","sessionId":"s1","status":"DISCONNECTED",)"
            R"("info":"engine lost"})");
  for (const Event& end : ends) {
    EXPECT_TRUE(end.terminal);
    EXPECT_TRUE(end.from_router);
    EXPECT_EQ(end.time, wall);
    EXPECT_EQ(end.id, EventId());
  }
  EXPECT_THAT(ends.front().json, HasSubstr(R"("info":"engine lost")"));
  EXPECT_THAT(End(), IsEmpty()) << "each once";
}

TEST_F(LiveTableTest, ASessionThatHadAStatusOfItsOwnEndsOnce) {
  table.NoteSession(kEngine, Session(testing::kSession));
  Event event = testing::StatusEvent("", "ESTABLISHED");
  event.method = kConnectionStatusEvent;
  Note(event);
  EXPECT_THAT(Told(End()), ElementsAre("session-1 DISCONNECTED"));
}

TEST_F(LiveTableTest, AnotherEnginesStreamsGoOn) {
  Note("a", "PUBLISHING");
  Note(testing::StatusEvent("b", "PUBLISHING"), "another");
  EXPECT_THAT(Told(End()), ElementsAre("a FAILED"));
  EXPECT_THAT(table.End("unknown", "x", true, wall, &changes), IsEmpty());
}

TEST_F(LiveTableTest, TheNextEngineOfANodeEndsWhatItTakesThePlaceOf) {
  const auto begun = [&](const std::string& source, const std::string& name) {
    const Event event = testing::StatusEvent(name, "PUBLISHING");
    const auto end = table.EndSuperseded(source, LaneKey(event), "engine lost", wall, &changes);
    Note(event, source);
    return end ? Told({*end}) : std::vector<std::string>{};
  };
  for (const char* name : {"a", "b", "c"}) Note(name, "PUBLISHING");
  table.Name("next", testing::StatusEvent("a", "").node_id);
  EXPECT_THAT(begun("next", "a"), IsEmpty()) << "not told to be the next one yet";
  table.Supersede("next");
  EXPECT_THAT(begun("next", "b"), ElementsAre("b FAILED"));
  EXPECT_THAT(begun("next", "b"), IsEmpty()) << "once";
  EXPECT_THAT(begun("next", "d"), IsEmpty());
  EXPECT_THAT(Told(End()), ElementsAre("a FAILED", "c FAILED"));
  EXPECT_THAT(begun("next", "c"), IsEmpty());
}

TEST_F(LiveTableTest, ASessionThatTheNextEngineOpensEndsFirst) {
  for (const char* id : {"s1", testing::kSession}) table.NoteSession(kEngine, Session(id));
  Event event = testing::StatusEvent("", "ESTABLISHED");
  event.method = kConnectionStatusEvent;
  Note(event);
  table.Name(kEngine, "node-1");
  table.Name("next", "node-1");
  table.Supersede("next");
  for (const char* id : {"s1", testing::kSession}) {
    const auto end = table.EndSuperseded("next", id, "engine lost", wall, &changes);
    ASSERT_TRUE(end) << id;
    EXPECT_EQ(end->method, kConnectionStatusEvent);
    EXPECT_THAT(end->json, HasSubstr(id));
    EXPECT_EQ(end->status, "DISCONNECTED");
    EXPECT_FALSE(table.EndSuperseded("next", id, "engine lost", wall, &changes)) << "once";
  }
  EXPECT_THAT(table.SessionsOf(kEngine), IsEmpty());
  EXPECT_THAT(End(), IsEmpty());
}

TEST_F(LiveTableTest, TheNodeIsTheOneThatSaidHelloWhateverItsEventsName) {
  table.Name(kEngine, "node-1");
  Event event = testing::StatusEvent("a", "PUBLISHING");
  event.node_id = "edge-7";
  Note(event);
  table.Name("next", "node-1");
  table.Supersede("next");
  EXPECT_TRUE(table.EndSuperseded("next", LaneKey(event), "engine lost", wall, &changes));
}

TEST_F(LiveTableTest, AnEngineThatSaysMoreWasNotSuperseded) {
  Note("a", "PUBLISHING");
  table.Name("next", testing::StatusEvent("a", "").node_id);
  table.Supersede("next");
  const Event event = testing::StatusEvent("a", "PUBLISHING");
  EXPECT_FALSE(table.EndSuperseded(kEngine, LaneKey(event), "", wall, &changes));
  EXPECT_FALSE(table.EndSuperseded("next", LaneKey(event), "", wall, &changes));
}

TEST_F(LiveTableTest, AnotherNodesStreamsAreNotSuperseded) {
  Note("a", "PUBLISHING");
  Note(testing::StatusEvent("b", "PUBLISHING"), "node/of the open bus");
  table.Name("other", "another node");
  table.Supersede("other");
  for (const char* name : {"a", "b"}) {
    const Event event = testing::StatusEvent(name, "PUBLISHING");
    EXPECT_FALSE(table.EndSuperseded("other", LaneKey(event), "", wall, &changes)) << name;
  }
}

TEST_F(LiveTableTest, AnEngineThatReturnsHasWhatItLeftToldAgain) {
  table.NoteSession(kEngine, Session("s1"));
  Note("a", "PUBLISHING");
  Note("b", "PUBLISHING");
  EXPECT_THAT(table.Return(kEngine, wall, &changes), IsEmpty()) << "nothing was ended";
  End();
  Note("b", "UNPUBLISHED");
  TakeChanges();
  EXPECT_THAT(Told(table.Return(kEngine, wall, &changes)),
              ElementsAre("a PUBLISHING", "s1 ESTABLISHED"));
  const auto written = TakeChanges();
  ASSERT_THAT(written, SizeIs(2));
  for (const LiveRecord& record : written) {
    EXPECT_FALSE(record.lost);
    EXPECT_EQ(record.json.empty(), record.key == "opened/s1") << "until the next loss";
  }
  EXPECT_THAT(table.Return(kEngine, wall, &changes), IsEmpty());
  EXPECT_THAT(Told(End()), ElementsAre("a FAILED", "s1 DISCONNECTED")) << "and lost again";
}

TEST_F(LiveTableTest, WhatAGoodbyeEndsIsForgotten) {
  Note("a", "PUBLISHING");
  EXPECT_THAT(End(false), SizeIs(1));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(changes.back().json, "");
  EXPECT_THAT(table.Return(kEngine, wall, &changes), IsEmpty());
}

TEST_F(LiveTableTest, WhatIsWrittenIsWhatTheNextProcessEnds) {
  Note("a", "PUBLISHING");
  Note("b", "PUBLISHING");
  Note("b", "UNPUBLISHED");
  Note("c", "PLAYING");
  LiveTable next;
  std::map<std::string, LiveRecord> stored;
  for (const LiveRecord& record : TakeChanges()) stored[record.key] = record;
  for (const auto& [key, record] : stored) {
    if (!record.json.empty()) next.Take(record, now);
  }
  EXPECT_EQ(next.size(), 2u);
  EXPECT_THAT(Told(next.End(kEngine, "engine lost", true, wall, &changes)),
              ElementsAre("a FAILED", "c FAILED"));
  LiveTable third;
  for (const LiveRecord& record : TakeChanges()) third.Take(record, now);
  EXPECT_THAT(third.End(kEngine, "engine lost", true, wall, &changes), IsEmpty());
  EXPECT_THAT(third.Return(kEngine, wall, &changes), SizeIs(2));
}

TEST_F(LiveTableTest, AStreamOfTheOpenBusIsStaleWhenItWasNotHeardOf) {
  Note(testing::StatusEvent("a", "PUBLISHING"), "node/n");
  now = now + absl::Minutes(9);
  Note(testing::StatusEvent("a", "PUBLISHING"), "node/n");
  now = now + absl::Minutes(9);
  EXPECT_THAT(EndStale(absl::Minutes(10)), IsEmpty());
  now = now + absl::Minutes(1);
  const auto ends = EndStale(absl::Minutes(10));
  EXPECT_THAT(Told(ends), ElementsAre("a FAILED"));
  EXPECT_THAT(ends[0].json, HasSubstr(R"("info":"stale")"));
  EXPECT_THAT(EndStale(absl::Minutes(10)), IsEmpty());
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(LiveTableTest, EnginesAndWatchedNodesAreNeverStale) {
  Note("a", "PUBLISHING");
  Note(testing::StatusEvent("b", "PUBLISHING"), "node/watched");
  now = now + absl::Hours(1);
  EXPECT_THAT(EndStale(absl::Minutes(10)), IsEmpty());
}

TEST_F(LiveTableTest, ARestoredStreamIsNotStaleBeforeItsTime) {
  table.Take(
      {"node/n", "stream/media-a", R"({"status":"PUBLISHING","mediaSessionId":"media-a"})", false},
      now);
  now = now + absl::Minutes(9);
  EXPECT_THAT(EndStale(absl::Minutes(10)), IsEmpty());
  now = now + absl::Minutes(1);
  EXPECT_THAT(EndStale(absl::Minutes(10)), SizeIs(1));
}

TEST_F(LiveTableTest, SourcesHaveNamesThatCannotMeet) {
  EXPECT_EQ(SourceOfEpoch(0xab), "00000000000000ab");
  EXPECT_EQ(SourceOfNode("00000000000000ab"), "node/00000000000000ab");
}

TEST_F(LiveTableTest, ASourceThatWasForgottenBeginsAnew) {
  Note("cam", "PUBLISHING");
  table.Forget(kEngine, &changes);
  Note("cam", "PUBLISHING");
  Event other = testing::StatusEvent("other", "PUBLISHING");
  Note(other, "second");
  Note("last", "PUBLISHING");
  EXPECT_EQ(table.size(), 3u);
  EXPECT_THAT(Told(End()), ElementsAre("cam FAILED", "last FAILED"));
}

TEST_F(LiveTableTest, TheListIsInTheOrderOfKeysAndTellsWhatIsKnownNow) {
  for (const char* name : {"c", "b", "a"}) Note(name, "PUBLISHING");
  Note("b", "PAUSED");
  EXPECT_THAT(Listed(true),
              ElementsAre("media-a PUBLISHING", "media-b PAUSED", "media-c PUBLISHING"));
  EXPECT_THAT(Listed(true, "media-b"), ElementsAre("media-c PUBLISHING"));
  for (const char* id : {"s2", "s1"}) table.NoteSession(kEngine, Session(id));
  EXPECT_THAT(Listed(false), ElementsAre("s1 ", "s2 "));
  EXPECT_THAT(Listed(false, "s1"), ElementsAre("s2 "));
}

TEST_F(LiveTableTest, ASessionIsListedUntilBothItsEngineAndItsEventsEndIt) {
  Event event = testing::StatusEvent("", "ESTABLISHED");
  event.method = kConnectionStatusEvent;
  const auto closed = Session(testing::kSession, SessionChange::Action::kClose);
  for (bool event_ends_first : {true, false}) {
    table.NoteSession(kEngine, Session(testing::kSession));
    event.terminal = false;
    Note(event);
    event.terminal = true;
    event_ends_first ? Note(event) : table.NoteSession(kEngine, closed);
    EXPECT_THAT(Listed(false), SizeIs(1));
    event_ends_first ? table.NoteSession(kEngine, closed) : Note(event);
    EXPECT_THAT(Listed(false), IsEmpty());
  }
}

TEST_F(LiveTableTest, TheListHasWhatLivesWhateverBecameOfItsSources) {
  std::minstd_rand random(7);
  const auto draw = [&](size_t below) { return random() % below; };
  for (int step = 0; step < 5'000; ++step) {
    const std::string source = "engine-" + std::to_string(draw(3));
    const std::string name = std::to_string(draw(6));
    Event session = testing::StatusEvent("", draw(2) == 0 ? "ESTABLISHED" : "DISCONNECTED");
    session.method = kConnectionStatusEvent;
    session.session_id = name;
    session.terminal = session.status == "DISCONNECTED";
    using Action = SessionChange::Action;
    switch (draw(10)) {
      case 0:
        table.NoteSession(source, Session(name, draw(2) == 0 ? Action::kOpen : Action::kClose));
        break;
      case 1:
        table.ForgetSession(name);
        break;
      case 2:
        table.End(source, "engine lost", draw(2) == 0, wall, &changes);
        break;
      case 3:
        table.Return(source, wall, &changes);
        break;
      case 4:
        table.Supersede(source);
        table.EndSuperseded(source, draw(2) == 0 ? name : "app/" + name, "x", wall, &changes);
        break;
      case 5:
        Note(session, source);
        break;
      default:
        Note(testing::StatusEvent(name, draw(2) == 0 ? "PUBLISHING" : "UNPUBLISHED"), source);
    }
    std::vector<std::string> lives, listed, keys;
    table.ForEachStream([&](const LiveTable::Stream& stream) {
      lives.push_back(stream.source + std::string(stream.entry.key()));
    });
    for (bool streams : {true, false}) {
      table.Walk(streams, "", [&](const LiveTable::Listed& on) {
        if (streams && on.lives) listed.push_back(on.stream.source + on.stream.key);
        keys.push_back((streams ? "b" : "a") + std::string(on.key));
        return true;
      });
    }
    EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(lives));
    std::rotate(keys.begin(),
                std::find_if(keys.begin(), keys.end(),
                             [](const std::string& key) { return key[0] == 'a'; }),
                keys.end());
    ASSERT_TRUE(std::is_sorted(keys.begin(), keys.end()) && !HasFailure()) << step;
  }
}

}  // namespace
}  // namespace tallybus
