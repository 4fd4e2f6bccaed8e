// Binding: what is refused, in which words, and what is locked.
#include "transports/zmq/bound_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/transports/zmq/zmq_peer.h"

namespace tallybus::zmq_transport {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class BoundSocketTest : public ::testing::Test {
 protected:
  BoundSocketTest() {
    char path[] = "/tmp/tallybus-bound-XXXXXX";
    folder = mkdtemp(path);
  }
  ~BoundSocketTest() override { std::filesystem::remove_all(folder); }

  absl::StatusOr<BoundSocket> Bind(const std::string& endpoint) {
    return BoundSocket::Bind(context, zmq::socket_type::pull, "listen.open", endpoint);
  }
  std::string ErrorOf(const std::string& endpoint) {
    auto bound = Bind(endpoint);
    EXPECT_FALSE(bound.ok()) << endpoint;
    return bound.ok() ? "" : std::string(bound.status().message());
  }

  zmq::context_t context;
  std::filesystem::path folder;
};

TEST_F(BoundSocketTest, TellsThePortThatItGot) {
  for (const char* any : {"tcp://127.0.0.1:0", "tcp://127.0.0.1:*"}) {
    auto bound = Bind(any);
    ASSERT_TRUE(bound.ok()) << bound.status();
    EXPECT_THAT(bound->endpoint(), ::testing::MatchesRegex("tcp://127\\.0\\.0\\.1:[1-9][0-9]+"));
  }
}

TEST_F(BoundSocketTest, RefusesWhatIsNotOnLoopback) {
  for (const char* endpoint : {"tcp://0.0.0.0:5581", "tcp://*:5581", "tcp://192.168.1.1:5581",
                               "tcp://[::]:5581", "tcp://eth0:5581", "pgm://x", "5581", ""}) {
    EXPECT_THAT(ErrorOf(endpoint), HasSubstr("not in this version yet")) << endpoint;
  }
}

TEST_F(BoundSocketTest, HearsSocketsOfItsOwnContextBesideOthers) {
  auto bound = Bind("tcp://127.0.0.1:0");
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_TRUE(bound->BindInside("inproc://inside").ok());
  EXPECT_FALSE(bound->BindInside("inproc://inside").ok());
  std::vector<zmq::message_t> frames;
  for (const std::string& endpoint : {std::string("inproc://inside"), bound->endpoint()}) {
    zmq::socket_t push(context, zmq::socket_type::push);
    push.connect(endpoint);
    push.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    zmq::pollitem_t item = {bound->socket().handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, std::chrono::seconds(60));
    ASSERT_TRUE(bound->Receive(4, &frames)) << endpoint;
    EXPECT_EQ(Text(frames.front()), "hello");
  }
}

TEST_F(BoundSocketTest, AnAddressThatIsTakenSaysWhatToDo) {
  auto first = Bind("tcp://127.0.0.1:0");
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(ErrorOf(first->endpoint()), HasSubstr("the address is in use"));
  EXPECT_THAT(ErrorOf(first->endpoint()), HasSubstr("listen.open"));
}

TEST_F(BoundSocketTest, ANameThatIsNoAddressIsAnErrorAndNoCrash) {
  EXPECT_THAT(ErrorOf("tcp://127.nonsense:1"), HasSubstr("listen.open"));
  EXPECT_THAT(ErrorOf("tcp://127.0.0.1"), HasSubstr("listen.open"));
  EXPECT_THAT(ErrorOf("tcp://127.0.0.1:99999"), HasSubstr("listen.open"));
}

TEST_F(BoundSocketTest, ASecondOneOnALiveIpcPathIsRefusedInsteadOfStealingIt) {
  const std::string endpoint = "ipc://" + (folder / "bus.sock").string();
  {
    auto first = Bind(endpoint);
    ASSERT_TRUE(first.ok()) << first.status();
    auto second = Bind(endpoint);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(second.status().message(), HasSubstr("another tallybusd"));
  }
  EXPECT_TRUE(Bind(endpoint).ok()) << "the lock goes with its socket";
}

TEST_F(BoundSocketTest, AMovedSocketKeepsItsLock) {
  const std::string endpoint = "ipc://" + (folder / "bus.sock").string();
  auto first = Bind(endpoint);
  ASSERT_TRUE(first.ok());
  BoundSocket moved = *std::move(first);
  EXPECT_FALSE(Bind(endpoint).ok());
  EXPECT_EQ(moved.endpoint(), endpoint);
}

TEST_F(BoundSocketTest, ReplacesTheSocketFileOfADeadProcess) {
  const std::string path = folder / "bus.sock";
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(dead);
  EXPECT_TRUE(Bind("ipc://" + path).ok());
}

TEST_F(BoundSocketTest, LeavesAFileThatIsNoSocketAlone) {
  const std::string path = folder / "precious";
  std::ofstream(path) << "text";
  EXPECT_THAT(ErrorOf("ipc://" + path), HasSubstr("no socket"));
  EXPECT_EQ(std::filesystem::file_size(path), 4u);
}

TEST_F(BoundSocketTest, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(ErrorOf("ipc:///tmp/tallybus-no-such-folder/bus.sock"),
              HasSubstr("/tmp/tallybus-no-such-folder/bus.sock.lock"));
}

bool IsReadable(int fd, int timeout_ms) {
  pollfd item = {fd, POLLIN, 0};
  return poll(&item, 1, timeout_ms) == 1;
}

// A loop that sleeps on the descriptor must ask after each use, or it would sleep on a message.
TEST_F(BoundSocketTest, KnowsOfAMessageThatItsDescriptorDoesNotTellOfAnyMore) {
  auto bound = Bind("tcp://127.0.0.1:0");
  ASSERT_TRUE(bound.ok());
  const int fd = bound->socket().get(zmq::sockopt::fd);
  EXPECT_FALSE(bound->HasUnannounced());
  zmq::socket_t peer(context, zmq::socket_type::push);
  peer.set(zmq::sockopt::linger, 0);
  peer.connect(bound->endpoint());
  peer.send(zmq::str_buffer("hello"));
  bool arrived = false;
  for (int i = 0; i < 100 && !arrived; ++i) {
    ASSERT_TRUE(IsReadable(fd, kPatienceMs));  // of the connection, and then of the message
    arrived = (bound->socket().get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
  }
  ASSERT_TRUE(arrived);
  EXPECT_FALSE(IsReadable(fd, 0)) << "what was asked above took the announcement off it";
  EXPECT_TRUE(bound->HasUnannounced());
  EXPECT_FALSE(bound->HasUnannounced()) << "it was not used since";
  std::vector<zmq::message_t> frames;
  EXPECT_TRUE(bound->Receive(1, &frames));
  EXPECT_FALSE(bound->Receive(1, &frames));
  peer.send(zmq::str_buffer("again"));
  EXPECT_TRUE(IsReadable(fd, kPatienceMs)) << "what was read to its end is told of anew";
}

TEST_F(BoundSocketTest, ReceivesWholeMessagesAndKeepsNoMoreFramesThanAsked) {
  auto bound = Bind("tcp://127.0.0.1:0");
  ASSERT_TRUE(bound.ok());
  std::vector<zmq::message_t> frames;
  EXPECT_FALSE(bound->Receive(2, &frames)) << "it does not wait";
  Peer peer(context, zmq::socket_type::push, bound->endpoint());
  peer.Send({"a", "", "c", "d", "e"});
  peer.Send({"next"});
  ASSERT_TRUE(WaitReadable(bound->socket()));
  ASSERT_TRUE(bound->Receive(2, &frames));
  ASSERT_THAT(frames, SizeIs(3)) << "one more than asked tells that there were more";
  EXPECT_EQ(Text(frames[0]), "a");
  EXPECT_EQ(Text(frames[1]), "");
  ASSERT_TRUE(WaitReadable(bound->socket()));
  ASSERT_TRUE(bound->Receive(2, &frames));
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(Text(frames[0]), "next");
}

}  // namespace
}  // namespace tallybus::zmq_transport
