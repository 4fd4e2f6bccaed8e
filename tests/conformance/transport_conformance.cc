// The suite: one test for each check.
#include "tests/conformance/transport_conformance.h"

namespace tallybus::testing {

TEST_P(TransportConformance, Holds) {
  const auto& [factory, check] = GetParam();
  const std::unique_ptr<ConformanceSubject> subject = factory();
  const conformance::Outcome outcome = conformance::Run(check, *subject);
  if (outcome.kind == conformance::Outcome::Kind::kNotChecked) {
    GTEST_SKIP() << "not applicable: " << outcome.why;
  }
  EXPECT_TRUE(outcome.kind == conformance::Outcome::Kind::kOk)
      << check.sentence << ": " << outcome.why;
}

}  // namespace tallybus::testing
