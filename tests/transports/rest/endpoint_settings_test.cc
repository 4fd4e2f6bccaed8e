// What an endpoint may say, and the files that it may name.
#include "transports/rest/endpoint_settings.h"

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/support/scratch_directory.h"

namespace tallybus::rest {
namespace {

using ::testing::HasSubstr;

Endpoint EndpointWith(std::map<std::string, std::string> options) {
  Endpoint endpoint;
  endpoint.url = "https://example.org/hooks";
  endpoint.options = std::move(options);
  return endpoint;
}

std::string ErrorOf(const absl::Status& status) { return std::string(status.message()); }

TEST(EndpointSettingsTest, NeedNothingButAUrl) {
  const auto settings = ReadSettings(EndpointWith({}));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->url.prefix, "https://example.org/hooks");
  EXPECT_TRUE(settings->rules.Allows("127.0.0.1"));
  EXPECT_TRUE(settings->tls.ca.empty());
  EXPECT_TRUE(settings->http2);
  EXPECT_EQ(settings->max_connections, 128);
  EXPECT_TRUE(CheckTlsFiles(settings->tls).ok());
}

TEST(EndpointSettingsTest, ReadTheNetworkAndItsHoles) {
  const auto settings =
      ReadSettings(EndpointWith({{"network", "public"}, {"allow_cidrs", "127.0.0.1/32"}}));
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(settings->rules.Allows("127.0.0.1"));
  EXPECT_FALSE(settings->rules.Allows("127.0.0.2"));
}

TEST(EndpointSettingsTest, ReadWhetherHttp2IsOffered) {
  EXPECT_TRUE(ReadSettings(EndpointWith({{"tls.http2", "true"}}))->http2);
  EXPECT_FALSE(ReadSettings(EndpointWith({{"tls.http2", "false"}}))->http2);
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"tls.http2", "never"}})).status()),
              HasSubstr("tls.http2"));
}

TEST(EndpointSettingsTest, ReadTheFormatAndWhatIsCompressed) {
  EXPECT_EQ(ReadSettings(EndpointWith({}))->compress_over, SIZE_MAX);
  EXPECT_EQ(ReadSettings(EndpointWith({{"compress.over", "8192"}}))->compress_over, 8192u);
  EXPECT_EQ(ReadSettings(EndpointWith({{"format", "cloudevents"}}))->format, Format::kCloudEvents);
  EXPECT_EQ(ReadSettings(EndpointWith({{"format", "cloudevents-batch"}}))->format,
            Format::kCloudEventsBatch);
}

TEST(EndpointSettingsTest, SayWhichOptionIsWrong) {
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"signing", "x"}})).status()),
              HasSubstr("signing[0]"));
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"compress.over", "8KiB"}})).status()),
              HasSubstr("compress.over"));
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"network", "intranet"}})).status()),
              HasSubstr("network"));
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"allow_cidrs", "10.0.0.0/40"}})).status()),
              HasSubstr("allow_cidrs"));
  EXPECT_THAT(ErrorOf(ReadSettings(EndpointWith({{"tls.cert_file", "/x"}})).status()),
              HasSubstr("tls.key_file"));
  EXPECT_FALSE(ReadSettings(EndpointWith({{"tls.key_file", "/x"}})).ok());
}

class TlsFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tallybus-pem-XXXXXX";
    const int fd = mkstemp(name);
    ASSERT_GE(fd, 0);
    path_ = name;
    close(fd);
  }
  void TearDown() override { std::remove(path_.c_str()); }
  void Write(const std::string& text) { std::ofstream(path_) << text; }

  std::string path_;
};

TEST_F(TlsFilesTest, AMissingFileIsNamed) {
  const auto status = CheckTlsFiles({.ca = "/nowhere/ca.pem", .cert = "", .key = ""});
  EXPECT_THAT(ErrorOf(status), HasSubstr("tls.ca_file"));
  EXPECT_THAT(ErrorOf(status), HasSubstr("/nowhere/ca.pem"));
}

TEST_F(TlsFilesTest, AFileWithoutACertificateIsRefusedAndNotShown) {
  for (const char* text : {"", "hunter2", "-----BEGIN CERTIFICATE-----\nhunter2\n"}) {
    Write(text);
    const auto status = CheckTlsFiles({.ca = path_, .cert = "", .key = ""});
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_THAT(ErrorOf(status), ::testing::Not(HasSubstr("hunter2")));
  }
  EXPECT_FALSE(CheckTlsFiles({.ca = "/tmp", .cert = "", .key = ""}).ok());
}

TEST_F(TlsFilesTest, TheClientsCertificateSaysWhenItEnds) {
  EXPECT_EQ(*CertificateEnd({}), absl::InfiniteFuture());
  EXPECT_THAT(ErrorOf(CertificateEnd({.ca = "", .cert = path_, .key = ""}).status()),
              HasSubstr("holds no certificate"));
  const std::string command =
      "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=client -days 5 " +
      std::string("-keyout /dev/null -out ") + path_ + " 2>/dev/null";
  const absl::Time made = absl::Now();
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto end = CertificateEnd({.ca = "", .cert = path_, .key = ""});
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_GT(*end, made + absl::Hours(5 * 24 - 1));
  EXPECT_LT(*end, made + absl::Hours(5 * 24 + 1));
}

TEST_F(TlsFilesTest, TheKeyMustBeTheCertificates) {
  testing::ScratchDirectory folder;
  for (const char* name : {"one", "two"}) {
    const std::string at = folder.path() + "/" + name;
    ASSERT_EQ(std::system(("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=client -keyout " +
                           at + ".key -out " + at + ".pem 2>/dev/null")
                              .c_str()),
              0);
  }
  const std::string one = folder.path() + "/one";
  EXPECT_TRUE(CheckTlsFiles({.ca = "", .cert = one + ".pem", .key = one + ".key"}).ok());
  const std::string other = folder.path() + "/two.key";
  EXPECT_EQ(ErrorOf(CheckTlsFiles({.ca = "", .cert = one + ".pem", .key = other})),
            "tls.key_file: " + other + " is not the key of the certificate in tls.cert_file");
}

TEST_F(TlsFilesTest, AKeyFileIsCheckedToo) {
  Write("no key");
  const auto status = CheckTlsFiles({.ca = "", .cert = path_, .key = path_});
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace tallybus::rest
