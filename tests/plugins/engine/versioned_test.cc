// The rule of struct_size.
#include "versioned.h"

#include <gtest/gtest.h>
#include <tallybus/c/engine.h>

#include <cstddef>
#include <cstdint>

namespace tallybus::engine {
namespace {

struct Newer {
  tallybus_session known;
  uint64_t unknown;
};

// Room beyond what any plausible size reaches.
struct Largest {
  tallybus_session known;
  char rest[2 * kLargestStruct];
};

tallybus_session* AsKnown(Newer* newer) { return &newer->known; }

TEST(VersionedTest, ReadsAStructOfItsOwnVersionInPlace) {
  tallybus_session in = {};
  in.struct_size = sizeof(in);
  tallybus_session storage;
  EXPECT_EQ(ReadVersioned(&in, &storage), &in);
}

TEST(VersionedTest, ReadsTheMissingFieldsOfAnOlderStructAsZero) {
  tallybus_session in = {};
  in.struct_size = offsetof(tallybus_session, rest_client_config);
  in.session_id = {"s", 1};
  in.rest_client_config = {"beyond", 6};
  tallybus_session storage;
  const tallybus_session* known = ReadVersioned(&in, &storage);
  ASSERT_EQ(known, &storage);
  EXPECT_EQ(known->session_id.size, 1u);
  EXPECT_EQ(known->rest_client_config.data, nullptr);
}

TEST(VersionedTest, TakesANewerStructWhereItsUnknownRestIsZero) {
  Newer in = {};
  in.known.struct_size = sizeof(in);
  tallybus_session storage;
  EXPECT_NE(ReadVersioned(AsKnown(&in), &storage), nullptr);
  in.unknown = uint64_t{1} << 63;
  EXPECT_EQ(ReadVersioned(AsKnown(&in), &storage), nullptr);
}

TEST(VersionedTest, RefusesNoStructAndSizesThatCannotBe) {
  Largest in = {};
  tallybus_session storage;
  EXPECT_EQ(ReadVersioned<tallybus_session>(nullptr, &storage), nullptr);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{100'000}, SIZE_MAX}) {
    in.known.struct_size = size;
    EXPECT_EQ(ReadVersioned(&in.known, &storage), nullptr) << size;
    EXPECT_FALSE(WriteVersioned(tallybus_session{}, &in.known)) << size;
  }
}

TEST(VersionedTest, FillsAnOlderStructNoFurtherThanItReaches) {
  tallybus_stats out = {};
  out.struct_size = offsetof(tallybus_stats, rejected);
  out.rejected = 99;
  tallybus_stats value = {};
  value.dropped_full = 5;
  value.rejected = 6;
  ASSERT_TRUE(WriteVersioned(value, &out));
  EXPECT_EQ(out.struct_size, offsetof(tallybus_stats, rejected));
  EXPECT_EQ(out.dropped_full, 5u);
  EXPECT_EQ(out.rejected, 99u);
}

TEST(VersionedTest, ZeroesWhatANewerStructHasMore) {
  Newer out = {};
  out.known.struct_size = sizeof(out);
  out.unknown = 9;
  ASSERT_TRUE(WriteVersioned(tallybus_session{}, AsKnown(&out)));
  EXPECT_EQ(out.known.struct_size, sizeof(out));
  EXPECT_EQ(out.unknown, 0u);
}

}  // namespace
}  // namespace tallybus::engine
