// Bodies that come with gzip: whole ones, broken ones, and ones that would become too large.
#include "apps/receive/inflate.h"

#include <gtest/gtest.h>

#include "transports/rest/gzip.h"

namespace tallybus::receive {
namespace {

std::string Packed(const std::string& text) {
  std::string packed;
  EXPECT_TRUE(rest::Gzip(text, &packed));
  return packed;
}

TEST(InflateTest, GivesBackWhatWasPacked) {
  for (const size_t size : {size_t{100}, size_t{16384}, size_t{100'000}}) {
    const std::string text(size, 'x');
    EXPECT_EQ(Inflate(Packed(text), size), text);
  }
}

TEST(InflateTest, WhatWouldBeTooLargeIsNone) {
  EXPECT_EQ(Inflate(Packed(std::string(100'001, 'x')), 100'000), std::nullopt);
  EXPECT_EQ(Inflate(Packed(std::string(64 << 20, 'x')), 1000), std::nullopt);
}

TEST(InflateTest, WhatIsCutOrNoGzipIsNone) {
  const std::string packed = Packed(std::string(1000, 'x'));
  EXPECT_EQ(Inflate(packed.substr(0, packed.size() - 1), 1000), std::nullopt);
  EXPECT_EQ(Inflate("{\"a\":1}", 1000), std::nullopt);
  EXPECT_EQ(Inflate("", 1000), std::nullopt);
}

}  // namespace
}  // namespace tallybus::receive
