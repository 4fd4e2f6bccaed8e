// Who has a lock and a port: this process, which the kernel's tables show.
#include "apps/tallybusd/check/lock_holder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/tallybusd/check/loopback.h"
#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus::check {
namespace {

using ::testing::EndsWith;

TEST(LockHolderTest, NamesTheProcessThatHasTheLock) {
  const config::ScratchDirectory folder;
  const std::string path = folder.path() + "/spool.lock";
  EXPECT_EQ(*HolderOf(path), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(path)) << "asking makes no file";
  {
    const LockedFile lock(path);
    const auto holder = HolderOf(path);
    ASSERT_TRUE(holder.ok() && holder->has_value());
    EXPECT_EQ((*holder)->pid, getpid());
    EXPECT_THAT((*holder)->ToString(), EndsWith(", pid " + std::to_string(getpid())));
  }
  EXPECT_EQ(*HolderOf(path), std::nullopt);
  const LockedFile again(path);  // asking left no lock
}

TEST(LockHolderTest, AFileThatCannotBeOpenedIsAnError) {
  const config::ScratchDirectory folder;
  std::ofstream(folder.path() + "/file") << "x";
  EXPECT_FALSE(HolderOf(folder.path() + "/file/lock").ok());
}

TEST(LockHolderTest, TellsWhoListensOnAPort) {
  const Loopback socket(/*listens=*/true);
  const pid_t parent = getppid();
  EXPECT_EQ(ListensOn({getpid(), "me"}, socket.port()), Ownership::kOwn);
  EXPECT_EQ(ListensOn({0, ""}, socket.port()), Ownership::kUnknown);
  const Ownership of_parent = ListensOn({parent, "it"}, socket.port());
  EXPECT_NE(of_parent, Ownership::kOwn);  // unknown where it is another user's
  EXPECT_EQ(Holder{}.ToString(), "a process that is not to be seen from here");
}

}  // namespace
}  // namespace tallybus::check
