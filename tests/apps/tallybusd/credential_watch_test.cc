// Certificates that end soon are an alert, until they are renewed or their route is gone.
#include "apps/tallybusd/credential_watch.h"

#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CredentialWatchTest : public RouterBench {
 protected:
  // "<alert> <subject>: <text>" of each that is on.
  std::vector<std::string> Alerts() {
    std::vector<std::string> all;
    for (const AlertStatus& alert : router->desk().Alerts()) {
      all.push_back(alert.name + " " + alert.subject + ": " + alert.text);
    }
    return all;
  }
  absl::Time In(absl::Duration time) const { return clock.WallNow() + time; }

  absl::StatusOr<absl::Time> end = absl::InfiniteFuture();
  CredentialWatch watch{clock, [this](const Route&) { return end; }, *router};
};

TEST_F(CredentialWatchTest, WhatEndsWithinTwoWeeksIsToldWithinTheHour) {
  watch.Watch(routes);
  EXPECT_THAT(Alerts(), IsEmpty());
  end = In(absl::Hours(14 * 24) + absl::Minutes(59));
  watch.Tick();
  EXPECT_THAT(Alerts(), IsEmpty());
  clock.Advance(absl::Hours(1));
  watch.Tick();
  EXPECT_THAT(Alerts(),
              ElementsAre("CertificateExpires defaultApp/backend: the client certificate ends " +
                          Rfc3339Millis(*end) + "; tls.cert_file names it"));
}

TEST_F(CredentialWatchTest, WhatHasEndedOrCannotBeReadIsToldAtOnce) {
  end = In(-absl::Hours(1));
  watch.Watch(routes);
  EXPECT_THAT(
      Alerts(),
      ElementsAre("CertificateExpires defaultApp/backend: the client certificate has ended: " +
                  Rfc3339Millis(*end) + "; tls.cert_file names it"));
  end = In(absl::Hours(24 * 365));
  watch.Watch(routes);
  EXPECT_THAT(Alerts(), IsEmpty());
  end = absl::InvalidArgumentError("tls.cert_file: cannot read /x");
  watch.Watch(routes);
  EXPECT_THAT(Alerts(),
              ElementsAre("CertificateExpires defaultApp/backend: tls.cert_file: cannot read /x"));
}

TEST_F(CredentialWatchTest, ARouteThatIsGoneHasNoAlert) {
  end = In(absl::Hours(1));
  watch.Watch(routes);
  ASSERT_EQ(Alerts().size(), 1u);
  watch.Watch(RouteTable());
  EXPECT_THAT(Alerts(), IsEmpty());
}

}  // namespace
}  // namespace tallybus::testing
