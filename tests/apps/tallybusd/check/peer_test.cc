// Where addresses lead to.
#include "apps/tallybusd/check/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Places(const std::string& url) {
  std::vector<std::string> places;
  for (const Peer& peer : PeersOf(url))
    places.push_back(peer.ToString() + (peer.tls ? " tls" : ""));
  return places;
}

TEST(PeerTest, APortThatIsNotWrittenIsTheSchemesOwn) {
  EXPECT_THAT(Places("http://h/x"), ElementsAre("h:80"));
  EXPECT_THAT(Places("https://h"), ElementsAre("h:443 tls"));
  EXPECT_THAT(Places("nats://h"), ElementsAre("h:4222"));
  EXPECT_THAT(Places("tls://h"), ElementsAre("h:4222"));
  EXPECT_THAT(Places("mqtt://h"), ElementsAre("h:1883"));
  EXPECT_THAT(Places("mqtts://h:1"), ElementsAre("h:1 tls"));
  EXPECT_THAT(Places("kafkas://a:1,b"), ElementsAre("a:1 tls", "b:9092 tls"));
}

TEST(PeerTest, AnAddressOfIPv6KeepsItsBrackets) {
  EXPECT_THAT(Places("http://[::1]:81/x"), ElementsAre("[::1]:81"));
  EXPECT_THAT(Places("https://[fd00::1]/x"), ElementsAre("[fd00::1]:443 tls"));
}

TEST(PeerTest, PathQueryAndCredentialsAreLeftOut) {
  EXPECT_THAT(Places("https://user:secret@h:8443/s3cret?token=s3cret#s"),
              ElementsAre("h:8443 tls"));
  EXPECT_THAT(Places("http://h?a=:1"), ElementsAre("h:80"));
}

TEST(PeerTest, WhatIsNotOnTheNetworkHasNone) {
  EXPECT_THAT(Places("file:///tmp/x"), IsEmpty());
  EXPECT_THAT(Places("pigeon://h:1"), IsEmpty());
  EXPECT_THAT(Places("nothing"), IsEmpty());
}

}  // namespace
}  // namespace tallybus::check
