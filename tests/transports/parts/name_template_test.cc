// Templates of subjects and topics.
#include "transports/parts/name_template.h"

#include <gmock/gmock.h>

namespace tallybus::parts {
namespace {

std::string Filled(const char* text, const char* app, const char* lane) {
  Event event;
  event.app_key = app;
  event.method = "Stream.Status";
  const auto name = NameTemplate::Parse(text);
  EXPECT_TRUE(name.ok()) << name.status();
  return name->For({event, "{}", lane, 1, 1, false, false, 0});
}

TEST(NameTemplateTest, PutsATokenInEachPlace) {
  EXPECT_EQ(Filled("tallybus.{app}.{method}.{lane}", "defaultApp", "defaultApp/cam.1"),
            "tallybus.defaultApp.Stream%2EStatus.defaultApp%2Fcam%2E1");
  EXPECT_EQ(Filled("{lane}", "a", ""), "~");
  EXPECT_EQ(Filled("as it is", "a", "b"), "as it is");
  EXPECT_EQ(Filled("{app}{app}/end", "a", "b"), "aa/end");
}

TEST(NameTemplateTest, ItsSampleShowsThePlaces) {
  EXPECT_EQ(NameTemplate::Parse("a.{app}.*{lane}")->Sample(), "a.x.*x");
}

TEST(NameTemplateTest, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"{", "}", "a{app", "{App}", "{}", "{stream}", "{app}}"}) {
    EXPECT_FALSE(NameTemplate::Parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tallybus::parts
