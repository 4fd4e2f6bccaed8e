// Nothing waits for a full ring, and no end is lost to it.
#include "outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event_replay.h"

namespace tallybus::janus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FakeBus : public Sink {
 public:
  tallybus_status Publish(const WcsEvent& event) override {
    if (answer == TALLYBUS_OK) taken.push_back(event.status);
    return answer;
  }
  void Lose(const WcsEvent& event) override { lost.push_back(event.status); }
  tallybus_status answer = TALLYBUS_OK;
  std::vector<std::string> taken;
  std::vector<std::string> lost;
};

std::vector<WcsEvent> Events(std::initializer_list<const char*> statuses) {
  std::vector<WcsEvent> events;
  for (const char* status : statuses) events.emplace_back().status = status;
  return events;
}

TEST(OutboxTest, PublishesAtOnceAndSaysNothing) {
  FakeBus bus;
  Outbox outbox(bus);
  EXPECT_EQ(outbox.Put(Events({"PUBLISHING", "UNPUBLISHED"})), "");
  EXPECT_THAT(bus.taken, ElementsAre("PUBLISHING", "UNPUBLISHED"));
}

TEST(OutboxTest, KeepsEndsWhileTheRingIsFullAndSendsThemFirst) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_FULL;
  EXPECT_THAT(outbox.Put(Events({"UNPUBLISHED", "PUBLISHING"})), HasSubstr("full"));
  EXPECT_EQ(outbox.Put(Events({"STOPPED"})), "");
  EXPECT_EQ(outbox.kept(), 2U);
  bus.answer = TALLYBUS_OK;
  EXPECT_THAT(outbox.Put(Events({"PLAYING"})), HasSubstr("lost meanwhile: 1"));
  EXPECT_THAT(bus.taken, ElementsAre("UNPUBLISHED", "STOPPED", "PLAYING"));
}

TEST(OutboxTest, KeptEndsLeaveWithTheNextCallThoughItBringsNothing) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_FULL;
  outbox.Put(Events({"UNPUBLISHED"}));
  bus.answer = TALLYBUS_OK;
  EXPECT_THAT(outbox.Put({}), HasSubstr("room again"));
  EXPECT_THAT(bus.taken, ElementsAre("UNPUBLISHED"));
}

TEST(OutboxTest, KeepsTheOpeningAndTheCloseOfSessions) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_FULL;
  std::vector<WcsEvent> events = Events({"", ""});
  events[0].kind = WcsEvent::Kind::kOpenSession;
  events[1].kind = WcsEvent::Kind::kCloseSession;
  outbox.Put(events);
  EXPECT_EQ(outbox.kept(), 2U);
}

TEST(OutboxTest, KeepsNoMoreThanItsLimit) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_FULL;
  for (size_t i = 0; i < Outbox::kMaxKept + 3; ++i) outbox.Put(Events({"STOPPED"}));
  EXPECT_EQ(outbox.kept(), Outbox::kMaxKept);
  EXPECT_EQ(outbox.dropped(), 3U);
}

TEST(OutboxTest, SaysWhichEventsAreLost) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_FULL;
  outbox.Put(Events({"STOPPED", "PLAYING"}));
  EXPECT_THAT(bus.lost, ElementsAre("PLAYING"));
  bus.answer = TALLYBUS_INVALID;
  outbox.Put(Events({"FAILED"}));
  EXPECT_THAT(bus.lost, ElementsAre("PLAYING", "STOPPED", "FAILED"));
}

TEST(OutboxTest, ARefusalForGoodIsDroppedCountedAndSaidOnce) {
  FakeBus bus;
  Outbox outbox(bus);
  bus.answer = TALLYBUS_INVALID;
  EXPECT_THAT(outbox.Put(Events({"UNPUBLISHED"})), HasSubstr("INVALID"));
  EXPECT_EQ(outbox.Put(Events({"UNPUBLISHED"})), "");
  EXPECT_EQ(outbox.dropped(), 2U);
  EXPECT_EQ(outbox.kept(), 0U);
  EXPECT_THAT(bus.taken, IsEmpty());
}

}  // namespace
}  // namespace tallybus::janus
