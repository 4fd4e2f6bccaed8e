// The settings file: a wrong value is refused by one line that names the key and the mend.
#include "settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::janus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Complaint(const std::vector<Setting>& general) {
  Settings settings;
  return ReadSettings(general, &settings);
}

TEST(SettingsTest, EmptyMeansDisabledWithEveryDefault) {
  Settings settings;
  ASSERT_EQ(ReadSettings({}, &settings), "");
  EXPECT_FALSE(settings.enabled);
  EXPECT_EQ(settings.endpoint, "");
  EXPECT_EQ(settings.app_key, "defaultApp");
  EXPECT_TRUE(settings.sessions && settings.streams);
  EXPECT_FALSE(settings.jsep);
}

TEST(SettingsTest, EverySettingIsRead) {
  Settings settings;
  ASSERT_EQ(ReadSettings({{"enabled", "yes"},
                          {"endpoint", "tcp://127.0.0.1:5583"},
                          {"node_id", "media-07"},
                          {"app_key", "live"},
                          {"events", " streams "},
                          {"jsep", "true"}},
                         &settings),
            "");
  EXPECT_TRUE(settings.enabled && settings.jsep && settings.streams);
  EXPECT_FALSE(settings.sessions);
  EXPECT_EQ(settings.endpoint, "tcp://127.0.0.1:5583");
  EXPECT_EQ(settings.node_id, "media-07");
  EXPECT_EQ(settings.app_key, "live");
}

TEST(SettingsTest, AnUnknownKeyIsRefusedWithTheKnownOnes) {
  EXPECT_THAT(Complaint({{"end_point", "x"}}),
              AllOf(HasSubstr("general.end_point"), HasSubstr("enabled, endpoint, node_id")));
}

TEST(SettingsTest, WrongTypesAreRefused) {
  EXPECT_THAT(Complaint({{"enabled", "5"}}),
              AllOf(HasSubstr("general.enabled = \"5\""), HasSubstr("true or false")));
  EXPECT_THAT(Complaint({{"jsep", "maybe"}}), HasSubstr("general.jsep"));
  EXPECT_THAT(Complaint({{"endpoint", "", false}}), HasSubstr("general.endpoint"));
}

TEST(SettingsTest, AnEndpointWithoutASchemeIsRefusedWithAnExample) {
  for (const char* endpoint : {"", "5583", "127.0.0.1:5583", "ipc://", "http://x"}) {
    EXPECT_THAT(Complaint({{"endpoint", endpoint}}),
                AllOf(HasSubstr("general.endpoint"), HasSubstr("ipc:///run")))
        << endpoint;
  }
}

TEST(SettingsTest, NamesAreRefusedWhereTheyWouldBreakRoutes) {
  EXPECT_THAT(Complaint({{"app_key", "live/one"}}), HasSubstr("general.app_key"));
  EXPECT_THAT(Complaint({{"app_key", ""}}), HasSubstr("general.app_key"));
  EXPECT_THAT(Complaint({{"node_id", "media 07"}}), HasSubstr("general.node_id"));
  EXPECT_THAT(Complaint({{"node_id", std::string(256, 'a')}}), HasSubstr("general.node_id"));
}

TEST(SettingsTest, ABadEventsListIsRefusedWithTheValidWords) {
  for (const char* events : {"", "all", "sessions,", "sessions streams", "Sessions"}) {
    EXPECT_THAT(Complaint({{"events", events}}),
                AllOf(HasSubstr("general.events"), HasSubstr("sessions, streams or both")))
        << events;
  }
}

TEST(SettingsTest, JsepBelongsToItsOwnSetting) {
  EXPECT_THAT(Complaint({{"events", "streams, jsep"}}), HasSubstr("jsep = true"));
  EXPECT_THAT(Complaint({{"events", "sessions"}, {"jsep", "true"}}), HasSubstr("needs streams"));
}

}  // namespace
}  // namespace tallybus::janus
