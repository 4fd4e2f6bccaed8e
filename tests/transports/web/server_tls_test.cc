// Certificates that fit, that do not, and that change; the handshake is tested by
// tests/e2e/client_tls_test.py.
#include "transports/web/server_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/scratch_directory.h"
#include "tests/transports/web/self_signed_pair.h"

namespace tallybus {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Result = TlsSession::Step::Result;

class ServerTlsTest : public ::testing::Test {
 protected:
  ServerTlsTest() { MakePair("cert", "key"); }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  void MakePair(const std::string& cert_name, const std::string& key_name) {
    testing::MakeSelfSignedPair(Path(cert_name), Path(key_name));
  }
  std::string Wrong(const std::string& cert, const std::string& key) {
    return std::string(ServerTls::Load(Path(cert), Path(key)).status().message());
  }

  const testing::ScratchDirectory directory_;
};

TEST_F(ServerTlsTest, FilesThatAreWrongAreNamed) {
  EXPECT_TRUE(ServerTls::Load(Path("cert"), Path("key")).ok());
  EXPECT_THAT(Wrong("none", "key"), StartsWith("cert_file: " + Path("none") + " cannot be read"));
  EXPECT_THAT(Wrong("key", "key"), StartsWith("cert_file: "));
  EXPECT_THAT(Wrong("cert", "none"), StartsWith("key_file: " + Path("none") + " cannot be read"));
  EXPECT_THAT(Wrong("cert", "cert"), StartsWith("key_file: "));
  MakePair("cert2", "key2");
  EXPECT_THAT(Wrong("cert", "key2"), HasSubstr("the certificate's private key"));
}

TEST_F(ServerTlsTest, AReloadThatFailsChangesNothing) {
  const auto tls = *ServerTls::Load(Path("cert"), Path("key"));
  MakePair("cert", "other");
  EXPECT_THAT(std::string(tls->Reload().message()), StartsWith("key_file: "));
  EXPECT_NE(tls->NewSession(0), nullptr) << "with the pair that fitted";
  MakePair("cert", "key");
  EXPECT_TRUE(tls->Reload().ok());
}

TEST_F(ServerTlsTest, AHandshakeWaitsForItsPeerAndEndsWithNonsense) {
  const auto tls = *ServerTls::Load(Path("cert"), Path("key"));
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const auto session = tls->NewSession(ends[0]);
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->Handshake().result, Result::kWaitToRead);
  const std::string nonsense = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(write(ends[1], nonsense.data(), nonsense.size()),
            static_cast<ssize_t>(nonsense.size()));
  EXPECT_EQ(session->Handshake().result, Result::kFailed);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tallybus
