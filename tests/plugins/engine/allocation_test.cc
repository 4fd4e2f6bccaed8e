// The publish path allocates nothing: every allocation of the process goes through the malloc below
// and is counted for its thread.
#include <gtest/gtest.h>
#include <tallybus/c/engine.h>

#include <cstddef>
#include <string>

#include "scripted_router.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TALLYBUS_OWN_MALLOC 0  // a sanitizer brings its own
#else
#define TALLYBUS_OWN_MALLOC 1
#endif

namespace {

thread_local size_t allocations = 0;

}  // namespace

#if TALLYBUS_OWN_MALLOC
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* malloc(size_t size) { return ++allocations, __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return ++allocations, __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return ++allocations, __libc_realloc(memory, size); }
}
#endif

namespace tallybus::engine {
namespace {

TEST(AllocationTest, PublishesWithoutAllocating) {
  if (!TALLYBUS_OWN_MALLOC) GTEST_SKIP() << "not under a sanitizer";
  ScriptedRouter router;
  const std::string endpoint = router.endpoint();
  tallybus_publisher_options options = {};
  options.struct_size = sizeof(options);
  options.endpoint = Bytes(endpoint);
  tallybus_publisher* publisher = nullptr;
  ASSERT_EQ(tallybus_publisher_open(&options, &publisher), TALLYBUS_OK);

  tallybus_stream_status stream = {};
  stream.struct_size = sizeof(stream);
  stream.status = Bytes("PUBLISHING");
  const std::string sdp(3'000, 'v');
  stream.sdp = Bytes(sdp);
  tallybus_json_event json = {};
  json.struct_size = sizeof(json);
  json.method = Bytes("TestEvent");
  json.json = Bytes("{}");
  tallybus_session session = {};
  session.struct_size = sizeof(session);
  session.session_id = Bytes("s");
  tallybus_stats stats = {};
  stats.struct_size = sizeof(stats);

  const size_t before = allocations;
  for (int i = 0; i < 2'000; ++i) {  // until the ring is full, and on
    tallybus_session_open(publisher, &session);
    tallybus_publish_stream_status(publisher, &stream);
    tallybus_publish_json(publisher, &json);
    tallybus_session_close(publisher, session.session_id);
    tallybus_stats_get(publisher, &stats);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(stats.published, 0u);
  EXPECT_GT(stats.dropped_full, 0u);
  tallybus_publisher_close(publisher, 0);
}

TEST(AllocationTest, WouldSeeAnAllocation) {
  if (!TALLYBUS_OWN_MALLOC) GTEST_SKIP() << "not under a sanitizer";
  const size_t before = allocations;
  const std::string text(1'000, 'x');
  EXPECT_GT(allocations, before);
  EXPECT_EQ(text.size(), 1'000u);
}

}  // namespace
}  // namespace tallybus::engine
