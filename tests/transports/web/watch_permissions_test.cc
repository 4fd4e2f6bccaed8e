// What a grant allows to watch, and what of it is told.
#include "transports/web/watch_permissions.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

const WatchKey kSession{WatchKey::Kind::kSession, "s1"};
const WatchKey kStream{WatchKey::Kind::kStream, "s1"};
const WatchKey kApp{WatchKey::Kind::kApp, "app"};
const WatchKey kOther{WatchKey::Kind::kApp, "other"};

ClientMessage Of(const std::string& app) {
  ClientMessage message;
  message.session_id = "s1";
  message.app_key = app;
  return message;
}

TEST(WatchPermissionsTest, WithoutAListEverythingMayBeWatched) {
  for (const WatchKey& key : {kSession, kStream, kApp}) EXPECT_TRUE(EveryPermission()->Allow(key));
  EXPECT_TRUE(EveryPermission()->LetThrough(Of("")));
  EXPECT_EQ(EveryPermission()->expires, absl::InfiniteFuture());
}

TEST(WatchPermissionsTest, AListAllowsWhatItNamesByItsKind) {
  const WatchPermissions some{.only = {{kSession}}};
  EXPECT_TRUE(some.Allow(kSession));
  EXPECT_FALSE(some.Allow(kStream));
  EXPECT_FALSE(some.Allow(kApp));
}

TEST(WatchPermissionsTest, AnAppAloneAllowsAllOfItAndNothingOfAnother) {
  const WatchPermissions whole{.app = "app"};
  for (const WatchKey& key : {kSession, kStream, kApp}) EXPECT_TRUE(whole.Allow(key));
  EXPECT_FALSE(whole.Allow(kOther));
  EXPECT_TRUE(whole.LetThrough(Of("app")));
  EXPECT_FALSE(whole.LetThrough(Of("other")));
  EXPECT_FALSE(whole.LetThrough(Of("")));
}

TEST(WatchPermissionsTest, AnAppBesideAListBoundsItAndGrantsNothing) {
  const WatchPermissions bounded{.only = {{kSession}}, .app = "app"};
  EXPECT_TRUE(bounded.Allow(kSession));
  EXPECT_FALSE(bounded.Allow(kApp));
  EXPECT_FALSE(bounded.LetThrough(Of("other"))) << "a session of that name in another app";
}

}  // namespace
}  // namespace tallybus
