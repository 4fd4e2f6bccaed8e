// Who waits, who goes, in which order, and what the bounds do.
#include "client_gates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MonoTime At(int seconds) { return MonoTime::AtOffset(absl::Seconds(seconds)); }

class ClientGatesTest : public ::testing::Test {
 protected:
  static ClientCopy Copy(const std::string& stream, const std::string& status) {
    return {.event = testing::SharedStatusEvent(stream, status), .exclude = nullptr};
  }
  ClientCopy Gated(SpoolSeq row, const std::string& stream, const std::string& status,
                   MonoTime until = At(10)) {
    ClientCopy copy = Copy(stream, status);
    copy.gate = std::make_unique<ClientGate>(
        ClientGate{.row = row, .route = route, .fields = nullptr, .until = until});
    return copy;
  }
  static std::vector<std::string> Names(const ClientGates::Copies& copies) {
    std::vector<std::string> names;
    for (const ClientCopy& copy : copies) {
      names.push_back(copy.event->name + " " + copy.event->status + copy.json);
    }
    return names;
  }
  uint64_t Ended(const char* end) {
    return metrics.GetCounter("tallybus_overwrite_copies_total", "", {{"end", end}}).Value();
  }

  Metrics metrics;
  ClientGates gates{metrics};
  std::shared_ptr<Route> route = std::make_shared<Route>();
};

TEST_F(ClientGatesTest, ACopyWithoutAGateGoesAtOnce) {
  EXPECT_THAT(Names(gates.Take(Copy("a", "PUBLISHING"))), ElementsAre("a PUBLISHING"));
  EXPECT_TRUE(gates.empty());
}

TEST_F(ClientGatesTest, AGatedCopyWaitsUntilItsRowsGateOpens) {
  EXPECT_THAT(gates.Take(Gated(7, "a", "PUBLISHING")), IsEmpty());
  EXPECT_FALSE(gates.empty());
  ASSERT_NE(gates.Find(7), nullptr);
  EXPECT_EQ(gates.Find(7)->event->name, "a");
  EXPECT_EQ(gates.Find(8), nullptr);
  EXPECT_THAT(gates.Open(8, GateEnd::kFailed), IsEmpty());
  EXPECT_THAT(Names(gates.Open(7, GateEnd::kOverwritten, "{}")), ElementsAre("a PUBLISHING{}"));
  EXPECT_TRUE(gates.empty());
  EXPECT_EQ(gates.size(), 0u);
  EXPECT_EQ(gates.bytes(), 0u);
  EXPECT_EQ(gates.NextDue(), std::nullopt);
  EXPECT_EQ(Ended("overwritten"), 1u);
  EXPECT_THAT(gates.Open(7, GateEnd::kFailed), IsEmpty()) << "once";
  EXPECT_EQ(Ended("failed"), 0u);
}

TEST_F(ClientGatesTest, WhatFollowsInTheStreamWaitsBehindInOrderAndNoOtherStreamDoes) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  EXPECT_THAT(gates.Take(Copy("a", "RESIZE")), IsEmpty());
  EXPECT_THAT(Names(gates.Take(Copy("b", "PUBLISHING"))), ElementsAre("b PUBLISHING"));
  EXPECT_THAT(gates.Take(Gated(2, "a", "UNPUBLISHED")), IsEmpty());
  EXPECT_THAT(gates.Take(Copy("a", "FAILED")), IsEmpty());
  EXPECT_EQ(gates.size(), 4u);
  EXPECT_THAT(Names(gates.Open(1, GateEnd::kFailed)), ElementsAre("a PUBLISHING", "a RESIZE"));
  EXPECT_THAT(Names(gates.Open(2, GateEnd::kFailed)), ElementsAre("a UNPUBLISHED", "a FAILED"));
  EXPECT_TRUE(gates.empty());
}

TEST_F(ClientGatesTest, AGateThatOpensBehindAnotherKeepsItsPlaceAndItsFields) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  EXPECT_THAT(gates.Take(Gated(2, "a", "UNPUBLISHED")), IsEmpty());
  EXPECT_THAT(gates.Open(2, GateEnd::kOverwritten, "{}"), IsEmpty());
  EXPECT_THAT(Names(gates.Open(1, GateEnd::kTimedOut)),
              ElementsAre("a PUBLISHING", "a UNPUBLISHED{}"));
  EXPECT_EQ(gates.bytes(), 0u);
}

TEST_F(ClientGatesTest, AnErrorEventStaysBehindTheStreamThatItIsAbout) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  Event error;
  error.method = kErrorEvent;
  error.media_session_id = "media-a";  // by itself it would have another place
  error.status = "error";
  ClientCopy copy{.event = std::make_shared<const Event>(error), .exclude = nullptr};
  copy.about = testing::SharedStatusEvent("a", "PUBLISHING");
  EXPECT_THAT(gates.Take(std::move(copy)), IsEmpty());
  EXPECT_THAT(Names(gates.Open(1, GateEnd::kFailed)), ElementsAre("a PUBLISHING", " error"));
}

TEST_F(ClientGatesTest, AKeepAliveIsInItsStreamsOrder) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  Event alive = testing::StatusEvent("a", "alive");
  alive.method = kStreamKeepAliveEvent;
  EXPECT_THAT(gates.Take({.event = std::make_shared<const Event>(alive), .exclude = nullptr}),
              IsEmpty());
  EXPECT_THAT(Names(gates.Open(1, GateEnd::kFailed)), ElementsAre("a PUBLISHING", "a alive"));
}

TEST_F(ClientGatesTest, ItsTimeOpensEachGateAlone) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING", At(10))), IsEmpty());
  EXPECT_THAT(gates.Take(Gated(2, "b", "PUBLISHING", At(5))), IsEmpty());
  EXPECT_THAT(gates.Take(Gated(3, "a", "UNPUBLISHED", At(12))), IsEmpty());
  EXPECT_EQ(gates.NextDue(), At(5));
  EXPECT_THAT(gates.TakeDue(At(4)), IsEmpty());
  EXPECT_THAT(Names(gates.TakeDue(At(5))), ElementsAre("b PUBLISHING"));
  EXPECT_EQ(gates.NextDue(), At(10));
  EXPECT_THAT(Names(gates.TakeDue(At(20))), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
  EXPECT_EQ(Ended("timed_out"), 3u);
}

TEST_F(ClientGatesTest, OfTwoTimesInOneStreamTheEarlierAloneLetsNothingPass) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING", At(10))), IsEmpty());
  EXPECT_THAT(gates.Take(Gated(2, "a", "UNPUBLISHED", At(5))), IsEmpty());
  EXPECT_THAT(gates.TakeDue(At(5)), IsEmpty());
  EXPECT_THAT(Names(gates.TakeDue(At(10))), ElementsAre("a PUBLISHING", "a UNPUBLISHED"));
}

TEST_F(ClientGatesTest, GatesOpenByWhatTheyWaitFor) {
  auto other = std::make_shared<Route>();
  other->name = "other";
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  ClientCopy copy = Gated(2, "b", "PUBLISHING");
  copy.gate->route = other;
  EXPECT_THAT(gates.Take(std::move(copy)), IsEmpty());
  EXPECT_THAT(
      Names(gates.OpenWhere([](const ClientCopy& c) { return c.gate->route->name == "other"; },
                            GateEnd::kEndpoint)),
      ElementsAre("b PUBLISHING"));
  EXPECT_EQ(Ended("endpoint"), 1u);
  EXPECT_EQ(gates.size(), 1u);
}

TEST_F(ClientGatesTest, SixtyFourWaitBehindAGateAndOneMoreOpensIt) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  for (size_t i = 0; i < ClientGates::kMostBehind; ++i) {
    EXPECT_THAT(gates.Take(Copy("a", "RESIZE")), IsEmpty());
  }
  EXPECT_THAT(gates.Take(Copy("a", "RESIZE")), SizeIs(66));
  EXPECT_TRUE(gates.empty());
  EXPECT_EQ(Ended("crowded"), 1u);
}

TEST_F(ClientGatesTest, WhereGatesStandInARowTheFirstOpensForTheNewest) {
  for (SpoolSeq row = 1; row <= 65; ++row) {
    EXPECT_THAT(gates.Take(Gated(row, "a", "row " + std::to_string(row))), IsEmpty());
  }
  EXPECT_THAT(Names(gates.Take(Gated(66, "a", "row 66"))), ElementsAre("a row 1"));
  EXPECT_EQ(gates.size(), 65u);
}

TEST_F(ClientGatesTest, OverItsBytesTheNewestsStreamGoesAndOthersStay) {
  const std::string large(size_t{1} << 20, 'x');
  SpoolSeq row = 0;
  while (gates.bytes() + 2 * large.size() + 2048 < ClientGates::kMostBytes) {
    ++row;
    ASSERT_THAT(gates.Take(Gated(row, "s" + std::to_string(row), large)), IsEmpty());
  }
  EXPECT_THAT(gates.Take(Gated(100, "newest", large)), SizeIs(1));
  EXPECT_EQ(gates.size(), row);
  EXPECT_EQ(Ended("memory"), 1u);
  EXPECT_THAT(gates.Take(Gated(101, "small", "PUBLISHING")), IsEmpty());
}

TEST_F(ClientGatesTest, AnAnswerThatWaitsBehindAGateCountsForTheBytes) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  EXPECT_THAT(gates.Take(Gated(2, "a", "UNPUBLISHED")), IsEmpty());
  EXPECT_THAT(gates.Open(2, GateEnd::kOverwritten, std::string(ClientGates::kMostBytes, 'x')),
              SizeIs(2));
  EXPECT_EQ(Ended("memory"), 1u);
  EXPECT_EQ(gates.bytes(), 0u);
}

TEST_F(ClientGatesTest, TheGaugeSaysHowManyWait) {
  EXPECT_THAT(gates.Take(Gated(1, "a", "PUBLISHING")), IsEmpty());
  EXPECT_THAT(gates.Take(Copy("a", "RESIZE")), IsEmpty());
  const Gauge& waiting = metrics.GetGauge("tallybus_client_copies_waiting", "");
  EXPECT_EQ(waiting.Value(), 2);
  EXPECT_THAT(gates.Open(1, GateEnd::kFailed), SizeIs(2));
  EXPECT_EQ(waiting.Value(), 0);
}

}  // namespace
}  // namespace tallybus
