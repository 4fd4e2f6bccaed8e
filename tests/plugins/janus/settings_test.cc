// The settings file: a wrong value is refused by one line that names the key and the mend.
#include "settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::janus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_FALSE(settings.connect);
  EXPECT_EQ(settings.admin_url + settings.admin_secret, "");
}

TEST(SettingsTest, EverySettingIsRead) {
  Settings settings;
  ASSERT_EQ(ReadSettings({{"enabled", "yes"},
                          {"endpoint", "tcp://127.0.0.1:5583"},
                          {"node_id", "media-07"},
                          {"app_key", "live"},
                          {"events", " streams "},
                          {"jsep", "true"},
                          {"connect", "false"},
                          {"admin_url", "https://[::1]:7889/admin/"},
                          {"admin_secret", "pässword \"1\""}},
                         &settings),
            "");
  EXPECT_TRUE(settings.enabled && settings.jsep && settings.streams);
  EXPECT_FALSE(settings.sessions);
  EXPECT_EQ(settings.endpoint, "tcp://127.0.0.1:5583");
  EXPECT_EQ(settings.node_id, "media-07");
  EXPECT_EQ(settings.app_key, "live");
  EXPECT_EQ(settings.admin_url, "https://[::1]:7889/admin");
  EXPECT_EQ(settings.admin_secret, "pässword \"1\"");
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

TEST(SettingsTest, ConnectNeedsSessionsAndTheAdminApi) {
  const Setting connect = {"connect", "true"};
  const Setting url = {"admin_url", "http://127.0.0.1:7088/admin"};
  EXPECT_THAT(Complaint({connect}),
              AllOf(HasSubstr("general.connect = true needs"), HasSubstr("general.admin_url")));
  EXPECT_THAT(Complaint({connect, url, {"events", "streams"}}),
              AllOf(HasSubstr("general.connect = true needs"), HasSubstr("sessions")));
  EXPECT_EQ(Complaint({connect, url}), "");
  EXPECT_EQ(Complaint({url}), "");  // streams may be ended though nobody asks about sessions
}

TEST(SettingsTest, AnAdminUrlThatCannotBeUsedIsRefusedAndNotRepeated) {
  for (const char* url : {"", "127.0.0.1:7088/admin", "ws://127.0.0.1/admin", "http://",
                          "http:///admin", "http://:1", "http://me:s3cret@host/admin",
                          "http://host/admin?s3cret", "http://host/a b", "http://h\\x"}) {
    EXPECT_THAT(Complaint({{"admin_url", url}}),
                AllOf(HasSubstr("general.admin_url must be"), Not(HasSubstr("s3cret"))))
        << url;
  }
}

TEST(SettingsTest, ASecretIsNeverRepeated) {
  EXPECT_THAT(Complaint({{"admin_secret", "s3cret\xff"}}),
              AllOf(HasSubstr("general.admin_secret must be UTF-8"), Not(HasSubstr("s3cret"))));
}

}  // namespace
}  // namespace tallybus::janus
