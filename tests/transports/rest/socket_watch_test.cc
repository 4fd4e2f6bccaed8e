// Registrations in epoll: as few calls as can be, and never a forgotten socket.
#include "transports/rest/socket_watch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tallybus::rest {
namespace {

class SocketWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(watch_.Open().ok());
    OpenPair();
  }
  void TearDown() override {
    for (int fd : fds_) close(fd);
  }
  void OpenPair() { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds_), 0); }
  bool ReportsOurs() {
    for (const epoll_event& event : watch_.Wait(0)) {
      if (event.data.fd == fds_[0]) return true;
    }
    return false;
  }
  void PeerWrites() { ASSERT_EQ(write(fds_[1], "x", 1), 1); }

  SocketWatch watch_;
  int fds_[2];
};

TEST_F(SocketWatchTest, ReportsWhatIsWanted) {
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  EXPECT_FALSE(ReportsOurs());
  PeerWrites();
  EXPECT_TRUE(ReportsOurs());
  EXPECT_TRUE(watch_.IsWanted(fds_[0]));
}

TEST_F(SocketWatchTest, APooledConnectionCostsNoCall) {
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  for (int request = 0; request < 10; ++request) {
    watch_.Want(fds_[0], 0);
    watch_.Want(fds_[0], EPOLLIN);
  }
  EXPECT_EQ(watch_.calls(), 1);
  PeerWrites();
  EXPECT_TRUE(ReportsOurs());
}

TEST_F(SocketWatchTest, AConnectionThatDiesInThePoolIsReportedTwiceAndNoMore) {
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  watch_.Want(fds_[0], 0);
  shutdown(fds_[1], SHUT_RDWR);
  for (int report = 0; report < 2; ++report) {  // the first could be of a number that is another's
    EXPECT_TRUE(ReportsOurs());
    EXPECT_FALSE(watch_.IsWanted(fds_[0]));
  }
  EXPECT_FALSE(ReportsOurs());
  watch_.Want(fds_[0], EPOLLIN);
  EXPECT_TRUE(ReportsOurs());
}

TEST_F(SocketWatchTest, ASocketThatMayVanishUnsaidIsNeverLeftRegistered) {
  watch_.Want(fds_[0], EPOLLIN);
  watch_.Want(fds_[0], 0);
  const int number = fds_[0];
  for (int fd : fds_) close(fd);
  OpenPair();
  ASSERT_EQ(fds_[0], number);  // the kernel gives the lowest free one
  watch_.Want(fds_[0], EPOLLIN);
  PeerWrites();
  EXPECT_TRUE(ReportsOurs());
}

TEST_F(SocketWatchTest, ANewConnectionUnderAnOldNumberIsWatchedAfresh) {
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  const int number = fds_[0];
  watch_.Closing(fds_[0]);
  for (int fd : fds_) close(fd);
  OpenPair();
  ASSERT_EQ(fds_[0], number);
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  PeerWrites();
  EXPECT_TRUE(ReportsOurs());
}

TEST_F(SocketWatchTest, AWishForWritingAloneIsHeard) {
  watch_.Opened(fds_[0]);
  watch_.Want(fds_[0], EPOLLIN);
  EXPECT_FALSE(ReportsOurs());
  watch_.Want(fds_[0], EPOLLOUT);
  EXPECT_TRUE(ReportsOurs());
}

}  // namespace
}  // namespace tallybus::rest
