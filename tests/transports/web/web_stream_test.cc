// What OpenSSL does with a descriptor once its socket is closed: nothing, it may be another's.
#include "transports/web/web_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "tests/support/scratch_directory.h"
#include "tests/transports/web/self_signed_pair.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
using Error = WebStream::Error;

struct Ends {
  Ends() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0); }
  int fd[2];
};

int Waiting(int descriptor) {
  int bytes = -1;
  ioctl(descriptor, FIONREAD, &bytes);
  return bytes;
}

// After the handshake with a client of OpenSSL's own.
class WebStreamTest : public ::testing::Test {
 protected:
  WebStreamTest() {
    const std::string cert = directory_.path() + "/cert";
    const std::string key = directory_.path() + "/key";
    testing::MakeSelfSignedPair(cert, key);
    const auto tls = *ServerTls::Load(cert, key);
    stream_ = std::make_unique<WebStream>(
        WebStream::Socket(io_, asio::generic::stream_protocol(AF_UNIX, 0), ends_.fd[0]),
        tls->NewSession(ends_.fd[0]));
    SSL_set_fd(client_, ends_.fd[1]);
    bool done = false;
    stream_->AsyncHandshake([&](Error error, size_t) { done = !error; });
    for (int i = 0; i < 10 && !(done && SSL_is_init_finished(client_)); ++i) {
      (void)SSL_connect(client_);
      Poll();
    }
    EXPECT_TRUE(done);
  }
  ~WebStreamTest() override {
    stream_.reset();
    SSL_free(client_);
    SSL_CTX_free(context_);
    for (int fd : {ends_.fd[1], other_.fd[0], other_.fd[1]}) close(fd);
    if (reused_) close(ends_.fd[0]);
  }

  void Poll() {
    io_.restart();
    io_.poll();
  }
  // Another connection gets the descriptor, and its peer has spoken.
  void CloseAndReuse() {
    stream_->socket().close();
    EXPECT_EQ(dup2(other_.fd[0], ends_.fd[0]), ends_.fd[0]);
    reused_ = true;
    EXPECT_EQ(write(other_.fd[1], "theirs", 6), 6);
  }
  void ExpectTheOtherIsUntouched() {
    EXPECT_EQ(Waiting(ends_.fd[0]), 6) << "nothing was read from it";
    EXPECT_EQ(Waiting(other_.fd[1]), 0) << "nothing was written to it";
  }
  void Flood() {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(SSL_write(client_, "flood", 5), 5);
  }
  void Read(std::function<void(Error)> then) {
    stream_->async_read_some(asio::buffer(room_),
                             [then = std::move(then)](Error error, size_t) { then(error); });
  }

  const testing::ScratchDirectory directory_;
  asio::io_context io_;
  Ends ends_, other_;
  bool reused_ = false;
  SSL_CTX* context_ = SSL_CTX_new(TLS_client_method());
  SSL* client_ = SSL_new(context_);
  std::unique_ptr<WebStream> stream_;
  char room_[4];
};

TEST_F(WebStreamTest, AReadThatWasSatisfiedBeforeTheCloseStartsNoOther) {
  Flood();
  Error second;
  Read([&](Error first) {
    EXPECT_FALSE(first);
    Read([&](Error error) { second = error; });
    EXPECT_FALSE(second) << "never from within";
  });
  CloseAndReuse();
  Poll();
  EXPECT_EQ(second, asio::error::operation_aborted);
  ExpectTheOtherIsUntouched();
}

TEST_F(WebStreamTest, AWaitThatEndedWithTheCloseIsNotTriedAgain) {
  Error read;
  Read([&](Error error) { read = error; });
  const std::string much(16 << 10, 'x');
  int writing = 0;
  bool closes = false;
  std::function<void()> write = [&] {
    ++writing;
    stream_->async_write_some(asio::buffer(much), [&](Error, size_t) {
      --writing;
      if (closes) return CloseAndReuse();
      write();
    });
  };
  write();
  Poll();
  ASSERT_EQ(writing, 1) << "the peer reads nothing, so it waits";
  closes = true;
  Flood();
  // One look at the socket finds that it may be written and read.
  std::string raw(1 << 20, 0);
  while (recv(ends_.fd[1], raw.data(), raw.size(), 0) > 0) {
  }
  Poll();
  EXPECT_EQ(read, asio::error::operation_aborted);
  ExpectTheOtherIsUntouched();
}

TEST_F(WebStreamTest, WhatIsClosedSaysNoEnd) {
  CloseAndReuse();
  stream_->EndSending();
  ExpectTheOtherIsUntouched();
  Error written;
  stream_->async_write_some(asio::buffer("x", 1), [&](Error error, size_t) { written = error; });
  Poll();
  EXPECT_EQ(written, asio::error::operation_aborted);
  ExpectTheOtherIsUntouched();
}

}  // namespace
}  // namespace tallybus
