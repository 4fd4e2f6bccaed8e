// Options in their forms.
#include "transports/parts/options.h"

#include <gmock/gmock.h>

#include "tests/support/tls_identity.h"

namespace tallybus::parts {
namespace {

Endpoint With(const char* name, const char* value) {
  Endpoint endpoint;
  endpoint.options[name] = value;
  return endpoint;
}

TEST(OptionsTest, AreWhatTheyAreByDefault) {
  EXPECT_EQ(TextOption({}, "user"), "");
  EXPECT_EQ(TextOption({}, "user", "me"), "me");
  EXPECT_TRUE(*FlagOption({}, "sync", true));
  EXPECT_EQ(*NumberOption({}, "keep", 8, 1, 10), 8);
  EXPECT_TRUE(CheckAuthorities({}, "tls.ca_file").ok());
}

TEST(OptionsTest, AreReadInTheirForms) {
  EXPECT_EQ(TextOption(With("user", "u"), "user", "me"), "u");
  EXPECT_FALSE(*FlagOption(With("sync", "false"), "sync", true));
  EXPECT_EQ(*NumberOption(With("keep", "3"), "keep", 8, 1, 10), 3);
}

TEST(OptionsTest, AnErrorBeginsWithTheNameAndHoldsNoValue) {
  EXPECT_EQ(FlagOption(With("sync", "secret"), "sync", true).status().message(),
            "sync: must be true or false");
  for (const char* wrong : {"secret", "0", "11", "", "99999999999999999999"}) {
    EXPECT_EQ(NumberOption(With("keep", wrong), "keep", 8, 1, 10).status().message(),
              "keep: must be a number from 1 to 10");
  }
}

TEST(OptionsTest, AuthoritiesAreCertificatesInPem) {
  const testing::TlsIdentity identity;
  EXPECT_TRUE(
      CheckAuthorities(With("tls.ca_file", identity.ca_file().c_str()), "tls.ca_file").ok());
  for (const char* path : {"/etc/passwd", "/dev/null", "/etc"}) {
    EXPECT_EQ(CheckAuthorities(With("tls.ca_file", path), "tls.ca_file").message(),
              std::string("tls.ca_file: ") + path + " holds no certificate in PEM");
  }
  EXPECT_EQ(CheckAuthorities(With("tls.ca_file", "/nowhere/ca"), "tls.ca_file").message(),
            "tls.ca_file: cannot read /nowhere/ca");
}

}  // namespace
}  // namespace tallybus::parts
