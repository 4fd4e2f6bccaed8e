// A transport on its own, in a test: what cannot be created, or never completes, fails it.
#ifndef TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_BENCH_H_
#define TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_BENCH_H_

#include <gtest/gtest.h>

#include "apps/conformance/bench.h"

namespace tallybus::testing {

using conformance::EndpointAt;
using conformance::RecordingSink;
using conformance::SilentLog;

class TransportBench : public conformance::Bench {
 public:
  explicit TransportBench(const TransportDescriptor& descriptor, int threads = 2)
      : Bench(descriptor, threads) {
    EXPECT_TRUE(status().ok()) << status();
  }

  // One attempt, and what came of it; fails the test where nothing does.
  DeliveryResult DeliverAndWait(const Endpoint& endpoint, const Options& options) {
    auto result = TryAndWait(endpoint, options);
    EXPECT_TRUE(result.has_value()) << "the attempt was never completed";
    return result.value_or(DeliveryResult{});
  }
  DeliveryResult DeliverAndWait(const Endpoint& endpoint) {
    return DeliverAndWait(endpoint, Options());
  }
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_BENCH_H_
