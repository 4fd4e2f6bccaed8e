// The bench remembers every completion, and starts no transport that cannot be.
#include "apps/conformance/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transports/memory/memory_transport.h"

namespace tallybus::conformance {
namespace {

TEST(BenchTest, HandsDeliveriesAndRemembersCompletions) {
  memory::Recorder recorder;
  Bench bench(memory::MemoryDescriptor(recorder));
  ASSERT_TRUE(bench.status().ok());
  const auto result = bench.TryAndWait(EndpointAt("memory:x"));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->verdict, Verdict::kDelivered);
  const auto tickets = bench.DeliverMany(EndpointAt("memory:x"), 3, {});
  EXPECT_TRUE(bench.sink.WaitForTickets(4));
  EXPECT_EQ(bench.sink.total(), 4u);
  bench.sink.Complete(tickets[0], {});
  EXPECT_EQ(bench.sink.Completions(tickets[0]), 2);
  EXPECT_EQ(recorder.All().size(), 4u);
}

TEST(BenchTest, ATransportThatCannotBeCreatedIsAStatus) {
  TransportDescriptor descriptor;
  descriptor.create = [](const TransportContext&) { return absl::UnavailableError("no"); };
  const Bench bench(descriptor);
  EXPECT_EQ(bench.status(), absl::UnavailableError("no"));
}

}  // namespace
}  // namespace tallybus::conformance
