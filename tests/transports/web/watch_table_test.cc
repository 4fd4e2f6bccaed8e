// Who is found for an event.
#include "transports/web/watch_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/transports/web/fake_client.h"

namespace tallybus {
namespace {

using testing::FakeClient;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WatchTableTest : public ::testing::Test {
 protected:
  std::vector<ClientConnection*> Find(const std::string& session, const std::string& stream,
                                      const std::string& app) {
    ClientMessage message;
    message.session_id = session;
    message.stream = stream;
    message.app_key = app;
    std::vector<ClientConnection*> found;
    table_.Find(message, &found);
    return found;
  }

  const WatchKey session_{WatchKey::Kind::kSession, "x"};
  const WatchKey stream_{WatchKey::Kind::kStream, "x"};
  const WatchKey app_{WatchKey::Kind::kApp, "x"};
  Watcher::Limits limits_;
  FakeClient a_{limits_}, b_{limits_}, c_{limits_};
  WatchTable table_;
};

TEST_F(WatchTableTest, EachKindOfKeyFindsItsOwn) {
  table_.Add(session_, &a_);
  table_.Add(stream_, &b_);
  table_.Add(app_, &c_);
  EXPECT_THAT(Find("x", "y", "y"), UnorderedElementsAre(&a_));
  EXPECT_THAT(Find("y", "x", "y"), UnorderedElementsAre(&b_));
  EXPECT_THAT(Find("y", "y", "x"), UnorderedElementsAre(&c_));
  EXPECT_THAT(Find("y", "y", "y"), IsEmpty());
  EXPECT_THAT(Find("", "", ""), IsEmpty());
}

TEST_F(WatchTableTest, WhoWatchesAnEventInSeveralWaysIsFoundOnce) {
  for (const WatchKey& key : {session_, stream_, app_}) table_.Add(key, &a_);
  EXPECT_THAT(Find("x", "x", "x"), UnorderedElementsAre(&a_));
  EXPECT_THAT(Find("x", "x", "x"), UnorderedElementsAre(&a_)) << "and again for the next";
}

TEST_F(WatchTableTest, AnEventGoesToAllThatWatchIt) {
  for (FakeClient* client : {&a_, &b_, &c_}) table_.Add(stream_, client);
  table_.Add(session_, &b_);
  EXPECT_THAT(Find("x", "x", "y"), UnorderedElementsAre(&a_, &b_, &c_));
}

TEST_F(WatchTableTest, WhoIsRemovedIsFoundNoMore) {
  for (FakeClient* client : {&a_, &b_, &c_}) table_.Add(stream_, client);
  table_.Remove(stream_, &a_);
  table_.Remove(stream_, &a_);
  table_.Remove(session_, &b_);
  EXPECT_THAT(Find("", "x", ""), UnorderedElementsAre(&b_, &c_));
  EXPECT_EQ(table_.size(), 2u);
  table_.Remove(stream_, &b_);
  table_.Remove(stream_, &c_);
  EXPECT_THAT(Find("", "x", ""), IsEmpty());
  EXPECT_EQ(table_.size(), 0u);
}

}  // namespace
}  // namespace tallybus
