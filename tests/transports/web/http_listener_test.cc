// What a unix socket is like from outside. TCP addresses and their errors: web_server_test.cc.
#include "transports/web/http_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/scratch_directory.h"
#include "tests/transports/web/web_client.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using testing::RawConnection;
using ::testing::StartsWith;

class HttpListenerTest : public ::testing::Test {
 protected:
  const testing::ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/a.sock";
  const std::string address_ = "unix:" + path_;
  boost::asio::io_context io_;
};

TEST_F(HttpListenerTest, ListensOnAUnixSocketThatItsOwnerAloneMayUse) {
  const mode_t before = umask(0);
  auto listener = HttpListener::Open(io_, "listen.admin", address_);
  umask(before);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(listener->address(), address_);
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_TRUE(RawConnection(address_).connected());
}

TEST_F(HttpListenerTest, TakesItsFileAway) {
  { ASSERT_TRUE(HttpListener::Open(io_, "listen.admin", address_).ok()); }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(RawConnection(address_).connected());
  EXPECT_TRUE(HttpListener::Open(io_, "listen.admin", address_).ok());
}

TEST_F(HttpListenerTest, LeavesTheFirstOnePathAndFileWhereASecondIsRefused) {
  auto first = HttpListener::Open(io_, "listen.admin", address_);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = HttpListener::Open(io_, "listen.admin", address_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr("another process listens there"));
  EXPECT_TRUE(RawConnection(address_).connected());
}

TEST_F(HttpListenerTest, TellsThePortThatItWasGiven) {
  auto listener = HttpListener::Open(io_, "listen.web", "127.0.0.1:0");
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_THAT(listener->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(listener->address(), "127.0.0.1:0");
  EXPECT_TRUE(RawConnection(listener->address()).connected());
}

}  // namespace
}  // namespace tallybus
