// What every transport must do, as one suite of tests.
//
//   TALLYBUS_TRANSPORT_CONFORMANCE(Rest, [] { return std::make_unique<RestSubject>(); });
#ifndef TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_
#define TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "apps/conformance/checks.h"
#include "apps/conformance/subject.h"

namespace tallybus::testing {

using conformance::Arrival;
using conformance::kOverloadHint;
using conformance::Peer;
using conformance::PeerMood;
using ConformanceSubject = conformance::Subject;
using SubjectFactory = std::function<std::unique_ptr<ConformanceSubject>()>;

class TransportConformance
    : public ::testing::TestWithParam<std::tuple<SubjectFactory, conformance::Check>> {};

inline std::string NameOfCheck(
    const ::testing::TestParamInfo<TransportConformance::ParamType>& test) {
  return std::get<conformance::Check>(test.param).name;
}

}  // namespace tallybus::testing

#define TALLYBUS_TRANSPORT_CONFORMANCE(name, factory)                                     \
  using ::tallybus::testing::TransportConformance;                                        \
  INSTANTIATE_TEST_SUITE_P(                                                               \
      name, TransportConformance,                                                         \
      ::testing::Combine(::testing::Values(::tallybus::testing::SubjectFactory(factory)), \
                         ::testing::ValuesIn(::tallybus::conformance::Checks().begin(),   \
                                             ::tallybus::conformance::Checks().end())),   \
      ::tallybus::testing::NameOfCheck)

#endif  // TALLYBUS_TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H_
