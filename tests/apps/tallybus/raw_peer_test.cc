// The far end of any protocol.
#include "apps/tallybus/raw_peer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tallybus::cli {
namespace {

using ::testing::ElementsAre;

// -1 where nobody listens.
int Connect(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

std::string Read(int fd, size_t size) {
  std::string text(size, '\0');
  EXPECT_EQ(recv(fd, text.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
  return text;
}

TEST(RawPeerTest, AnswersEachRequestAtItsEnd) {
  auto peer = RawPeer::Start(true, "\r\n", "yes\n");
  ASSERT_TRUE(peer.ok()) << peer.status();
  const int fd = Connect((*peer)->address());
  ASSERT_GE(fd, 0);
  for (const std::string part : {"on", "e\r", "\ntwo\r\nthr"}) {
    EXPECT_EQ(send(fd, part.data(), part.size(), 0), static_cast<ssize_t>(part.size()));
  }
  EXPECT_EQ(Read(fd, 8), "yes\nyes\n");
  EXPECT_THAT((*peer)->Requests(), ElementsAre("one", "two"));
  close(fd);
}

TEST(RawPeerTest, OneThatDoesNotListenHasAPortAndRefuses) {
  auto peer = RawPeer::Start(false, "\n", "");
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(Connect((*peer)->address()), -1);
}

}  // namespace
}  // namespace tallybus::cli
