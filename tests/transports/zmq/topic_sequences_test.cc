// A counter for each session's topic, and the meta frame that carries it.
#include "transports/zmq/topic_sequences.h"

#include <gtest/gtest.h>

namespace tallybus::zmq_transport {
namespace {

TEST(TopicSequencesTest, CountsEachSessionFromOne) {
  TopicSequences sequences;
  const MonoTime now = MonoTime::AtOffset(absl::Hours(10));
  EXPECT_EQ(sequences.Next("a", now), 1u);
  EXPECT_EQ(sequences.Next("a", now), 2u);
  EXPECT_EQ(sequences.Next("b", now), 1u);
  EXPECT_EQ(sequences.Next("a", now), 3u);
}

TEST(TopicSequencesTest, ASessionSilentForAnHourBeginsAgain) {
  TopicSequences sequences;
  const MonoTime start = MonoTime::AtOffset(absl::Hours(10));
  sequences.Next("quiet", start);
  sequences.Next("busy", start);
  sequences.Next("busy", start + absl::Minutes(30));
  sequences.Prune(start + absl::Hours(1));
  EXPECT_EQ(sequences.Next("busy", start + absl::Hours(1)), 3u);
  sequences.Prune(start + absl::Hours(1) + absl::Minutes(1));
  EXPECT_EQ(sequences.Next("quiet", start + absl::Hours(1)), 1u);
  EXPECT_EQ(sequences.Next("busy", start + absl::Hours(1)), 4u);
}

TEST(TopicSequencesTest, MetaTellsIdSequenceAndTime) {
  Notification notification{.session_id = "s",
                            .message = "m",
                            .json = "{}",
                            .id = {0x2a, 7},
                            .time = absl::FromUnixMillis(1'769'903'999'123)};
  EXPECT_EQ(ClientMeta(notification, 12),
            R"({"id":"000000000000002a-7","sequence":12,"time":"2026-01-31T23:59:59.123Z"})");
}

}  // namespace
}  // namespace tallybus::zmq_transport
