// The socket: what it refuses, what it bounds, and frames that are none of ours.
#include "bus_socket.h"

#include <gtest/gtest.h>

#include <string>

#include "scripted_router.h"

namespace tallybus::engine {
namespace {

class BusSocketTest : public testing::Test {
 protected:
  void Connect() {
    settings_.endpoint = router_.endpoint();
    ASSERT_EQ(socket_.Open(), TALLYBUS_OK);
    ASSERT_TRUE(WaitUntil([&] {
      Receive();  // takes in what the connection has to say
      return socket_.Send(Kind::kHello, "");
    }));
    ASSERT_TRUE(WaitUntil([&] { return router_.Poll().has_value(); }));
  }
  BusSocket::Received Receive() { return socket_.Receive(&kind_, &body_); }
  BusSocket::Received Await() {
    BusSocket::Received received = BusSocket::Received::kNothing;
    EXPECT_TRUE(WaitUntil([&] { return (received = Receive()) != BusSocket::Received::kNothing; }));
    return received;
  }

  ScriptedRouter router_;
  Settings settings_;
  BusSocket socket_{settings_};
  uint8_t kind_ = 0;
  std::string_view body_;
};

TEST_F(BusSocketTest, RefusesAnEndpointThatLibzmqDoesNotTake) {
  settings_.endpoint = "tcp://127.0.0.1:no-port";
  EXPECT_EQ(socket_.Open(), TALLYBUS_INVALID);
  EXPECT_FALSE(socket_.is_open());
}

TEST_F(BusSocketTest, RefusesKeysThatAreNoZ85) {
  ASSERT_EQ(zmq_has("curve"), 1) << "this libzmq has no CURVE";
  settings_.endpoint = router_.endpoint();
  settings_.curve_server_key = settings_.curve_public_key = settings_.curve_secret_key =
      std::string(40, '\x7f');
  EXPECT_EQ(socket_.Open(), TALLYBUS_INVALID);
  char public_key[41];
  char secret_key[41];
  ASSERT_EQ(zmq_curve_keypair(public_key, secret_key), 0);
  settings_.curve_server_key = settings_.curve_public_key = public_key;
  settings_.curve_secret_key = secret_key;
  EXPECT_EQ(socket_.Open(), TALLYBUS_OK);
}

TEST_F(BusSocketTest, QueuesNothingForARouterThatIsNotThere) {
  settings_.endpoint = "ipc://" + router_.directory() + "/nobody.sock";
  ASSERT_EQ(socket_.Open(), TALLYBUS_OK);
  EXPECT_FALSE(socket_.Send(Kind::kHello, "hello"));
  EXPECT_TRUE(WaitUntil([&] { return *socket_.in_transit() == 0; }));
}

TEST_F(BusSocketTest, CountsWhatLibzmqHoldsAndBoundsIt) {
  Connect();
  const std::string large(100'000, 'x');
  // The router reads nothing: the kernel's buffers fill, then libzmq's queue.
  ASSERT_TRUE(WaitUntil([&] {
    while (socket_.HasRoom(large.size())) {
      if (!socket_.Send(Kind::kEvents, large)) return false;
    }
    return *socket_.in_transit() > 900'000;
  }));
  EXPECT_LE(*socket_.in_transit(), size_t{1} << 20);
  EXPECT_FALSE(socket_.HasRoom(large.size() * 2));
  EXPECT_TRUE(WaitUntil([&] {
    while (router_.Poll()) {
    }
    return *socket_.in_transit() == 0;
  }));
  EXPECT_TRUE(socket_.HasRoom(size_t{2} << 20)) << "one that is larger than the bound goes alone";
}

TEST_F(BusSocketTest, TellsMalformedMessagesFromGoodOnes) {
  Connect();
  router_.SendFrames({"\x07"});
  EXPECT_EQ(Await(), BusSocket::Received::kMalformed);
  router_.SendFrames({"\x07", "body", "more", "and more"});
  EXPECT_EQ(Await(), BusSocket::Received::kMalformed);
  router_.SendFrames({"77", "body"});
  EXPECT_EQ(Await(), BusSocket::Received::kMalformed);
  router_.SendFrames({"\x07", "body"});
  EXPECT_EQ(Await(), BusSocket::Received::kMessage);
  EXPECT_EQ(kind_, 7);
  EXPECT_EQ(body_, "body");
}

TEST_F(BusSocketTest, WakesForTheRouterAndForNothingElse) {
  Connect();
  ASSERT_EQ(Receive(), BusSocket::Received::kNothing);
  EXPECT_FALSE(socket_.IsReady(false));
  EXPECT_FALSE(socket_.HasNews());
  socket_.Wait(-1, 1'000);
  EXPECT_FALSE(socket_.HasNews());
  router_.SendFrames({"\x04", ""});
  ASSERT_TRUE(WaitUntil([&] {
    socket_.Wait(-1, 5 * kSecondUs);
    return socket_.HasNews() && Receive() == BusSocket::Received::kMessage;
  }));
}

TEST_F(BusSocketTest, TellsOneWhoCouldNotSendWhenThereIsRoom) {
  router_.Stop();
  settings_.endpoint = router_.endpoint();
  ASSERT_EQ(socket_.Open(), TALLYBUS_OK);
  ASSERT_FALSE(socket_.Send(Kind::kHello, ""));
  EXPECT_FALSE(socket_.IsReady(true)) << "there is no connection";
  router_.Start();
  ASSERT_TRUE(WaitUntil([&] {
    socket_.Wait(-1, 5 * kSecondUs);
    return socket_.IsReady(true);
  }));
  EXPECT_TRUE(socket_.Send(Kind::kHello, ""));
}

TEST_F(BusSocketTest, MayBeClosedTwiceAndOpenedAgain) {
  Connect();
  socket_.Close(0);
  socket_.Close(0);
  EXPECT_FALSE(socket_.Send(Kind::kHello, ""));
  EXPECT_EQ(Receive(), BusSocket::Received::kNothing);
  Connect();
  socket_.Shut(0);
  socket_.Shut(0);
}

}  // namespace
}  // namespace tallybus::engine
