// The ledger of a plugin's tickets.
#include "plugins/loader/open_tickets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::loader {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Was = OpenTickets::Was;

class OpenTicketsTest : public ::testing::Test {
 protected:
  void Add(uint64_t ticket, int second, size_t bytes = 0) {
    const std::string body(bytes, 'x');
    const Parcel parcel = {event, body, "", 0, 1, false, false, 0};
    const Delivery given = {Ticket{ticket}, {&parcel, 1}, endpoint, MonoTime(), false};
    tickets.Add(std::make_unique<DeliveryCopy>(given, shared), At(second));
  }
  Was Take(uint64_t ticket) {
    delivery.reset();
    return tickets.Take(Ticket{ticket}, &delivery);
  }
  static MonoTime At(int second) { return MonoTime::AtOffset(absl::Seconds(second)); }

  const Event event;
  const Endpoint endpoint;
  const std::shared_ptr<const EndpointCopy> shared = std::make_shared<EndpointCopy>(endpoint);
  std::unique_ptr<DeliveryCopy> delivery;
  OpenTickets tickets;
};

TEST_F(OpenTicketsTest, ATicketIsOpenOnce) {
  Add(1, 5);
  EXPECT_FALSE(tickets.empty());
  EXPECT_EQ(Take(2), Was::kUnknown);
  EXPECT_EQ(Take(1), Was::kOpen);
  EXPECT_NE(delivery, nullptr);
  EXPECT_EQ(Take(1), Was::kDone);
  EXPECT_EQ(delivery, nullptr);
  EXPECT_TRUE(tickets.empty());
}

TEST_F(OpenTicketsTest, WhatIsOverdueIsGivenUpAndKeptUntilThePluginIsDoneWithIt) {
  Add(1, 5);
  Add(2, 6);
  EXPECT_THAT(tickets.GiveUp(At(4)), IsEmpty());
  EXPECT_THAT(tickets.GiveUp(At(5)), ElementsAre(Ticket{1}));
  EXPECT_THAT(tickets.GiveUp(At(5)), IsEmpty());
  EXPECT_EQ(Take(1), Was::kLate);
  EXPECT_NE(delivery, nullptr);
  EXPECT_EQ(Take(1), Was::kDone);
  EXPECT_THAT(tickets.GiveUp(), ElementsAre(Ticket{2}));
  EXPECT_TRUE(tickets.empty());
}

TEST_F(OpenTicketsTest, APluginThatNeverCompletesGetsNoMoreAndMoreAgainWhenItDoes) {
  for (uint64_t i = 0; i < OpenTickets::kMostLate; ++i) Add(i, 1);
  EXPECT_TRUE(tickets.HasRoom()) << "what is open is the router's to bound";
  tickets.GiveUp();
  EXPECT_FALSE(tickets.HasRoom());
  EXPECT_EQ(Take(7), Was::kLate);
  EXPECT_TRUE(tickets.HasRoom());
}

TEST_F(OpenTicketsTest, WhatIsKeptIsBoundedInBytesToo) {
  constexpr size_t kLarge = OpenTickets::kMostLateBytes / 2;
  Add(1, 1, kLarge);
  Add(2, 1, kLarge);
  tickets.GiveUp();
  EXPECT_FALSE(tickets.HasRoom());
  EXPECT_EQ(Take(1), Was::kLate);
  EXPECT_TRUE(tickets.HasRoom());
}

TEST_F(OpenTicketsTest, WhatWasDoneLongAgoIsForgotten) {
  for (uint64_t i = 0; i <= OpenTickets::kMostDone; ++i) {
    Add(i, 1);
    Take(i);
  }
  EXPECT_EQ(Take(0), Was::kUnknown);
  EXPECT_EQ(Take(1), Was::kDone);
}

}  // namespace
}  // namespace tallybus::loader
