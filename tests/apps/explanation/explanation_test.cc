// The words of an explanation; that they are true shows tests/e2e/explain_test.py.
#include "apps/explanation/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"
#include "transports/builtin.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Told(const std::string& yaml, bool reveal) {
  const auto config = config::LoadText(yaml);
  TransportRegistry registry;
  if (!config.ok() || !RegisterBuiltinTransports(registry).ok()) return "no configuration";
  const auto samples = SampleEvents(absl::UnixEpoch()).Make("StreamStatusEvent", "");
  const auto told = Explain(*config, registry, samples->front(), {}, reveal);
  return told.ok() ? *told : std::string(told.status().message());
}

TEST(ExplanationTest, TellsWhatGovernsWhoGetsItAndWhyOthersDoNot) {
  const std::string told = Told(R"(
apps: { defaultApp: { url: "http://127.0.0.1:1/x", bearer_token: s3cret } }
routes: [{ name: ends, endpoints: ["http://127.0.0.1:1/"], match: { status: STOPPED } }]
)",
                                false);
  EXPECT_THAT(told, HasSubstr("policy   the defaults: neither session nor app has any"));
  EXPECT_THAT(told, HasSubstr("route    defaultApp/backend: sent"));
  EXPECT_THAT(told, HasSubstr("POST /x/StreamStatusEvent HTTP/1.1"));
  EXPECT_THAT(told, HasSubstr("route    ends: not sent, match.status does not list PUBLISHING"));
  EXPECT_THAT(told, HasSubstr("clients  of trigger-"));
}

TEST(ExplanationTest, ShowsCredentialsOnlyWhereAsked) {
  const std::string yaml = "apps: {defaultApp: {url: 'http://127.0.0.1:1/', bearer_token: s3cret}}";
  EXPECT_THAT(Told(yaml, false), HasSubstr("Authorization: Bearer ***"));
  EXPECT_THAT(Told(yaml, false), Not(HasSubstr("s3cret")));
  EXPECT_THAT(Told(yaml, true), HasSubstr("Authorization: Bearer s3cret"));
}

}  // namespace
}  // namespace tallybus
