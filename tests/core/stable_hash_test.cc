// The hash that others may rely on.
#include "tallybus/stable_hash.h"

#include <gmock/gmock.h>

namespace tallybus {
namespace {

// The published vectors of FNV-1a.
TEST(StableHashTest, IsFnv1aSoThatABackendCanRelyOnIt) {
  EXPECT_EQ(StableHash(""), 0xcbf29ce484222325u);
  EXPECT_EQ(StableHash("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(StableHash("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace tallybus
