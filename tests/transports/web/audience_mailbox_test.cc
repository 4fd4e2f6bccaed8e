// What comes through, what is dropped, and where that is told.
#include "transports/web/audience_mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AudienceMailboxTest : public ::testing::Test {
 protected:
  static ClientMessagePtr Event(const std::string& id, size_t bytes = 0) {
    ClientMessage message;
    message.id = id;
    message.tail.assign(bytes, 'x');
    return std::make_shared<const ClientMessage>(std::move(message));
  }
  // Of an event its id, of what lives the pass, "lost".
  std::vector<std::string> Take() {
    std::vector<AudienceItem> items;
    mailbox_.Drain(&items);
    std::vector<std::string> taken;
    for (const AudienceItem& item : items) {
      taken.push_back(item.lost      ? "lost"
                      : item.message ? item.message->id
                                     : std::to_string(item.pass));
    }
    return taken;
  }

  int woken_ = 0;
  AudienceMailbox mailbox_{{3, 10'000}, [this] { ++woken_; }};
};

TEST_F(AudienceMailboxTest, AllComesInOrderAndWakesOnce) {
  mailbox_.PutEvent(Event("a"));
  mailbox_.PutFound(7, {});
  mailbox_.PutEvent(Event("b"));
  EXPECT_EQ(woken_, 1);
  EXPECT_THAT(Take(), ElementsAre("a", "7", "b"));
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(AudienceMailboxTest, EventsAboveTheBoundAreDroppedAndOneItemSaysSoAtTheirPlace) {
  for (const char* id : {"a", "b", "c", "d", "e"}) mailbox_.PutEvent(Event(id));
  mailbox_.PutFound(1, {});
  mailbox_.PutEvent(Event("f"));
  EXPECT_THAT(Take(), ElementsAre("a", "b", "c", "lost", "1", "lost"));
  mailbox_.PutEvent(Event("g"));
  EXPECT_THAT(Take(), ElementsAre("g"));
}

TEST_F(AudienceMailboxTest, BytesAreBoundedToo) {
  mailbox_.PutEvent(Event("a", 9'000));
  mailbox_.PutEvent(Event("b", 9'000));
  mailbox_.PutEvent(Event("c"));
  EXPECT_THAT(Take(), ElementsAre("a", "lost", "c"));
}

TEST_F(AudienceMailboxTest, WhatIsLostAfterALossWasTakenIsToldAnew) {
  for (const char* id : {"a", "b", "c", "d"}) mailbox_.PutEvent(Event(id));
  EXPECT_THAT(Take(), ElementsAre("a", "b", "c", "lost"));
  mailbox_.PutEvent(Event("e", 20'000));
  EXPECT_THAT(Take(), ElementsAre("lost"));
}

}  // namespace
}  // namespace tallybus
