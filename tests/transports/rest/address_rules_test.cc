// Every block of both lists, at its edges.
#include "transports/rest/address_rules.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace tallybus::rest {
namespace {

AddressRules Rules(std::string_view network, std::string_view allow = "") {
  auto rules = AddressRules::Parse(network, allow);
  EXPECT_TRUE(rules.ok()) << rules.status();
  return *std::move(rules);
}

// The addresses of a block's edges, and those just outside; empty where that is refused too.
struct Edge {
  const char* before;
  const char* first;
  const char* last;
  const char* after;
};

void PrintTo(const Edge& edge, std::ostream* os) { *os << edge.first; }

class PublicNetworkTest : public ::testing::TestWithParam<Edge> {};

TEST_P(PublicNetworkTest, RefusesTheWholeBlockAndNothingBesideIt) {
  const auto rules = Rules("public");
  const Edge& edge = GetParam();
  EXPECT_FALSE(rules.Allows(edge.first));
  EXPECT_FALSE(rules.Allows(edge.last));
  if (*edge.before) {
    EXPECT_TRUE(rules.Allows(edge.before)) << edge.before;
  }
  if (*edge.after) {
    EXPECT_TRUE(rules.Allows(edge.after)) << edge.after;
  }
}

INSTANTIATE_TEST_SUITE_P(
    IPv4, PublicNetworkTest,
    ::testing::Values(Edge{"", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
                      Edge{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
                      Edge{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
                      Edge{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
                      Edge{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
                      Edge{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
                      Edge{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
                      Edge{"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
                      Edge{"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
                      Edge{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
                      Edge{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
                      Edge{"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
                      Edge{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
                      Edge{"223.255.255.255", "224.0.0.0", "239.255.255.255", ""},
                      Edge{"", "240.0.0.0", "255.255.255.255", ""}));

INSTANTIATE_TEST_SUITE_P(
    IPv6, PublicNetworkTest,
    ::testing::Values(
        Edge{"", "::", "::", ""}, Edge{"", "::1", "::1", "::2"},
        Edge{"fbff:ffff::1", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"},
        Edge{"", "fd00:ec2::254", "fd00:ec2::254", ""},
        Edge{"fe7f:ffff::1", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"},
        Edge{"feff:ffff::1", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        Edge{"2001:db7:ffff::1", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
             "2001:db9::"},
        Edge{"3ffe:ffff::1", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        Edge{"ff:ffff::1", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"},
        Edge{"2001:ffff::1", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
        Edge{"64:ff9a::1", "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0"},
        Edge{"64:ff9b:0:1::", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"},
        Edge{"5eff:ffff::1", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"}));

TEST(AddressRulesTest, APrivateNetworkReachesLoopbackAndPrivateRanges) {
  const auto rules = Rules("private");
  for (const char* address : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
                              "::1", "fd00::1", "fd00:ec2::253", "fd00:ec2::255", "8.8.8.8"}) {
    EXPECT_TRUE(rules.Allows(address)) << address;
  }
}

TEST(AddressRulesTest, APrivateNetworkRefusesLinkLocalAndMetadata) {
  const auto rules = Rules("");  // private is the default
  for (const char* address : {"169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1",
                              "febf::1", "fe80::1%eth0", "fd00:ec2::254"}) {
    EXPECT_FALSE(rules.Allows(address)) << address;
  }
  EXPECT_TRUE(rules.Allows("169.253.255.255"));
  EXPECT_TRUE(rules.Allows("169.255.0.0"));
  EXPECT_TRUE(rules.Allows("fe7f::1"));
  EXPECT_TRUE(rules.Allows("fec0::1"));
}

TEST(AddressRulesTest, AMappedAddressIsJudgedAsIpv4) {
  EXPECT_FALSE(Rules("private").Allows("::ffff:169.254.169.254"));
  EXPECT_FALSE(Rules("private").Allows("::ffff:a9fe:a9fe"));
  EXPECT_TRUE(Rules("private").Allows("::ffff:127.0.0.1"));
  EXPECT_FALSE(Rules("public").Allows("::ffff:127.0.0.1"));
  EXPECT_TRUE(Rules("public").Allows("::ffff:8.8.8.8"));
}

TEST(AddressRulesTest, AllowedBlocksAreHolesInBothLists) {
  EXPECT_TRUE(Rules("private", "169.254.169.254/32").Allows("169.254.169.254"));
  EXPECT_FALSE(Rules("private", "169.254.169.254/32").Allows("169.254.169.253"));
  const auto rules = Rules("public", " 10.1.0.0/16 , fd12:3456::/32,127.0.0.1 ");
  EXPECT_TRUE(rules.Allows("10.1.255.255"));
  EXPECT_TRUE(rules.Allows("::ffff:10.1.0.1"));
  EXPECT_FALSE(rules.Allows("10.2.0.0"));
  EXPECT_TRUE(rules.Allows("fd12:3456:ffff::1"));
  EXPECT_FALSE(rules.Allows("fd12:3457::1"));
  EXPECT_TRUE(rules.Allows("127.0.0.1"));
  EXPECT_FALSE(rules.Allows("127.0.0.2"));
}

TEST(AddressRulesTest, AHoleForAllOfIpv6OpensNothingOfIpv4) {
  const auto rules = Rules("public", "::/0");
  EXPECT_TRUE(rules.Allows("fd00::1"));
  EXPECT_FALSE(rules.Allows("127.0.0.1"));
  EXPECT_FALSE(rules.Allows("::ffff:127.0.0.1"));
  EXPECT_TRUE(Rules("public", "0.0.0.0/0").Allows("127.0.0.1"));
  EXPECT_FALSE(Rules("public", "0.0.0.0/0").Allows("::1"));
}

TEST(AddressRulesTest, RefusesBlocksThatAreNone) {
  for (const char* block : {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.1/8",
                            "fe80::/129", "fe80::1/10", "localhost", "0x7f.1", "2130706433",
                            "10.0.0.0/8/8", "10.0.0.0/8 10.0.0.0/8"}) {
    EXPECT_FALSE(AddressRules::Parse("public", block).ok()) << block;
  }
  EXPECT_FALSE(AddressRules::Parse("internal", "").ok());
  EXPECT_FALSE(AddressRules::Parse("Public", "").ok());
}

TEST(AddressRulesTest, JudgesSocketAddressesByTheirFamily) {
  const auto rules = Rules("public");
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x08080808);
  EXPECT_TRUE(rules.Allows(reinterpret_cast<sockaddr*>(&v4), sizeof(v4)));
  EXPECT_FALSE(rules.Allows(reinterpret_cast<sockaddr*>(&v4), 4));
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_FALSE(rules.Allows(reinterpret_cast<sockaddr*>(&v4), sizeof(v4)));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr), 1);
  EXPECT_FALSE(rules.Allows(reinterpret_cast<sockaddr*>(&v6), sizeof(v6)));
  ASSERT_EQ(inet_pton(AF_INET6, "2606:4700::1", &v6.sin6_addr), 1);
  EXPECT_TRUE(rules.Allows(reinterpret_cast<sockaddr*>(&v6), sizeof(v6)));
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(rules.Allows(&other, sizeof(other)));
}

TEST(AddressRulesTest, WhatIsNoAddressIsRefused) {
  for (const char* text : {"", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "::1::"}) {
    EXPECT_FALSE(Rules("private").Allows(text)) << text;
  }
}

}  // namespace
}  // namespace tallybus::rest
