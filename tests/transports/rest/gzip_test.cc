// What is packed comes out again, and what does not shrink stays as it is.
#include "transports/rest/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace tallybus::rest {
namespace {

std::string Inflated(const std::string& packed, size_t most) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  std::string out(most, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(GzipTest, ComesOutAsItWas) {
  for (const size_t size : {size_t{100}, size_t{1} << 20}) {
    const std::string text(size, 'x');
    std::string packed = "what was there before";
    ASSERT_TRUE(Gzip(text, &packed));
    EXPECT_LT(packed.size(), text.size());
    EXPECT_EQ(Inflated(packed, size + 1), text);
  }
}

TEST(GzipTest, TheSameTextIsTheSameBytes) {
  std::string first, second;
  ASSERT_TRUE(Gzip(std::string(1000, 'x'), &first));
  ASSERT_TRUE(Gzip(std::string(1000, 'x'), &second));
  EXPECT_EQ(first, second);
}

TEST(GzipTest, WhatDoesNotShrinkIsLeft) {
  std::mt19937 random(7);
  std::string noise(10000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::string packed;
  EXPECT_FALSE(Gzip(noise, &packed));
  EXPECT_FALSE(Gzip("", &packed));
  EXPECT_FALSE(Gzip("{}", &packed));
}

}  // namespace
}  // namespace tallybus::rest
