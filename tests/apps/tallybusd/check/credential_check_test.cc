// Credentials that end.
#include "apps/tallybusd/check/credential_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CredentialCheckTest, WarnsOfThoseThatHaveEndedOrSoonWill) {
  TransportRegistry builtin, registry;
  ASSERT_TRUE(RegisterBuiltinTransports(builtin).ok());
  TransportDescriptor rest = *builtin.Find("rest");
  absl::StatusOr<absl::Time> end = absl::InfiniteFuture();
  rest.credentials_end = [&end](const Endpoint&) { return end; };
  ASSERT_TRUE(registry.Register(rest).ok());
  const auto config = config::LoadText("apps: {a: {url: 'http://h/'}, off: {url: off}}");
  ASSERT_TRUE(config.ok());
  const auto routes = PaperRoutes::Make(*config, registry);
  ASSERT_TRUE(routes.ok());
  const auto said = [&] {
    Findings findings;
    CheckCredentials(*routes, registry, absl::UnixEpoch(), &findings);
    std::vector<std::string> texts;
    for (const Finding& each : findings.all) {
      EXPECT_EQ(each.weight, Weight::kWarning);
      texts.push_back(each.text);
    }
    return texts;
  };
  EXPECT_THAT(said(), IsEmpty());
  end = absl::UnixEpoch() + absl::Hours(24);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("route a/backend: the client certificate ends 1970-")));
  end = absl::UnixEpoch() - absl::Hours(24);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("has ended: 1969-12-31")));
  end = absl::NotFoundError("it is gone");
  EXPECT_THAT(said(), ElementsAre("route a/backend: it is gone"));
}

}  // namespace
}  // namespace tallybus::check
