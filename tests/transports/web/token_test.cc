// Tokens that let a client listen, and all that must not.
#include "transports/web/token.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <string>

#include "tests/transports/web/test_tokens.h"

namespace tallybus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Hs256;
using testing::kSecret;
using ::testing::Not;
using testing::SignedText;

constexpr char kGood[] = R"({"session":"s1","exp":2000000000})";
const absl::Time kNow = absl::FromUnixSeconds(1'900'000'000);

std::string Base64(const std::string& bytes) { return absl::WebSafeBase64Escape(bytes); }

// A key pair of Ed25519.
class Signer {
 public:
  Signer() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
  ~Signer() { EVP_PKEY_free(key_); }

  std::string PublicPem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key_);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }
  std::string Token(const std::string& claims,
                    const std::string& header = R"({"alg":"EdDSA"})") const {
    const std::string text = SignedText(header, claims);
    std::string signature(64, '\0');
    size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_);
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(context);
    return text + "." + Base64(signature);
  }

 private:
  EVP_PKEY* key_;
};

class TokenTest : public ::testing::Test {
 protected:
  std::string Refusal(const std::string& token) {
    const absl::StatusOr<TokenClaims> claims = both.Verify(token, kNow);
    EXPECT_EQ(claims.status().code(), absl::StatusCode::kUnauthenticated);
    return std::string(claims.status().message());
  }

  Signer signer;
  TokenVerifier both = *TokenVerifier::Make({{kSecret}, {signer.PublicPem()}});
};

TEST_F(TokenTest, SaysWhatItsBearerMayListenTo) {
  for (const std::string& token :
       {Hs256(R"({"session":"s1","app":"a","streams":["x","y"],"exp":2000000000})"),
        signer.Token(R"({"session":"s1","app":"a","streams":["x","y"],"exp":2000000000})")}) {
    const absl::StatusOr<TokenClaims> claims = both.Verify(token, kNow);
    ASSERT_TRUE(claims.ok()) << claims.status();
    EXPECT_EQ(claims->session, "s1");
    EXPECT_EQ(claims->app, "a");
    EXPECT_THAT(claims->streams, ElementsAre("x", "y"));
    EXPECT_EQ(claims->expires, absl::FromUnixSeconds(2'000'000'000));
  }
}

TEST_F(TokenTest, OneOfSeveralKeysIsEnoughAndAnOldOneGoes) {
  const std::string other(40, 'o');
  const Signer next;
  const TokenVerifier rotating =
      *TokenVerifier::Make({{kSecret, other}, {signer.PublicPem(), next.PublicPem()}});
  for (const std::string& token :
       {Hs256(kGood), Hs256(kGood, other), signer.Token(kGood), next.Token(kGood)}) {
    EXPECT_TRUE(rotating.Verify(token, kNow).ok());
  }
  const TokenVerifier rotated = *TokenVerifier::Make({{other}, {next.PublicPem()}});
  EXPECT_FALSE(rotated.Verify(Hs256(kGood), kNow).ok());
  EXPECT_FALSE(rotated.Verify(signer.Token(kGood), kNow).ok());
  EXPECT_TRUE(rotated.Verify(next.Token(kGood), kNow).ok());
}

TEST_F(TokenTest, OfMembersThereAreSixteenInAHeaderAndSixtyFourClaimsAtMost) {
  const auto more = [](int members) {
    std::string text;
    for (int i = 0; i < members; ++i) absl::StrAppend(&text, ",\"m", i, "\":0");
    return text;
  };
  const auto header = [&](int members) { return R"({"alg":"EdDSA")" + more(members - 1) + "}"; };
  const auto claims = [&](int members) {
    return R"({"session":"s1","exp":2000000000)" + more(members - 2) + "}";
  };
  EXPECT_TRUE(both.Verify(signer.Token(claims(64), header(16)), kNow).ok());
  EXPECT_EQ(Refusal(signer.Token(kGood, header(17))), "the token is malformed");
  EXPECT_EQ(Refusal(signer.Token(claims(65))), "the token is malformed");
}

// RFC 7515, appendix A.1, but for the claims, which are no grant of ours: the signature is right.
TEST_F(TokenTest, AcceptsTheSignatureOfTheRfcsExample) {
  std::string key;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      &key));
  const TokenVerifier verifier = *TokenVerifier::Make({{key}, {}});
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_THAT(verifier.Verify(token, absl::FromUnixSeconds(1'300'819'000)).status().message(),
              HasSubstr("grants nothing"));
  EXPECT_THAT(verifier.Verify(token, absl::FromUnixSeconds(1'300'819'380)).status().message(),
              HasSubstr("expired"));
}

// RFC 8037, appendix A.4.
TEST_F(TokenTest, ChecksTheSignatureOfTheRfcsEdDsaExample) {
  const char* pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
      "-----END PUBLIC KEY-----\n";
  const TokenVerifier verifier = *TokenVerifier::Make({{}, {pem}});
  const std::string text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature =
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_EQ(verifier.Verify(text + "." + signature, kNow).status().message(),
            "the token is malformed")
      << "signed, but its text is no object";
  std::string changed = signature;
  changed[3] = 'x';
  EXPECT_THAT(verifier.Verify(text + "." + changed, kNow).status().message(),
              HasSubstr("not signed"));
}

TEST_F(TokenTest, CountsUpToItsEndAndFromItsBeginning) {
  EXPECT_THAT(Refusal(Hs256(R"({"session":"s1","exp":1900000000})")), HasSubstr("expired"));
  EXPECT_TRUE(both.Verify(Hs256(R"({"session":"s1","exp":1900000001})"), kNow).ok());
  EXPECT_TRUE(both.Verify(Hs256(R"({"session":"s1","exp":1900000000.5})"), kNow).ok());
  EXPECT_THAT(Refusal(Hs256(R"({"session":"s1","exp":2000000000,"nbf":1900000001})")),
              HasSubstr("not valid yet"));
  EXPECT_TRUE(
      both.Verify(Hs256(R"({"session":"s1","exp":2000000000,"nbf":1900000000})"), kNow).ok());
  EXPECT_THAT(Refusal(Hs256(R"({"session":"s1"})")), HasSubstr("no exp"));
}

TEST_F(TokenTest, NoneAndOtherAlgorithmsAreNotSigned) {
  const std::string unsigned_text = SignedText(R"({"alg":"none"})", kGood);
  EXPECT_THAT(Refusal(unsigned_text + "."), HasSubstr("not signed"));
  EXPECT_THAT(Refusal(unsigned_text), HasSubstr("malformed"));
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"HS512"})",
                             R"({"alg":"RS256"})", R"({"alg":"hs256"})", R"({"alg":""})"}) {
    EXPECT_THAT(Refusal(Hs256(kGood, kSecret, header)), HasSubstr("not signed")) << header;
  }
  for (const char* header : {R"({})", R"({"alg":1})", R"([])", R"({"alg":"HS256","alg":"none"})",
                             R"({"alg":"HS256","crit":["exp"]})"}) {
    EXPECT_THAT(Refusal(Hs256(kGood, kSecret, header)), HasSubstr("malformed")) << header;
  }
}

// A public key is no secret: it must not verify what anyone can sign with it.
TEST_F(TokenTest, ThePublicKeyIsNoSecretOfHs256) {
  const TokenVerifier verifier = *TokenVerifier::Make({{}, {signer.PublicPem()}});
  EXPECT_FALSE(verifier.Verify(Hs256(kGood, signer.PublicPem()), kNow).ok());
  EXPECT_FALSE(both.Verify(Hs256(kGood, signer.PublicPem()), kNow).ok());
  const TokenVerifier secret_only = *TokenVerifier::Make({{kSecret}, {}});
  EXPECT_FALSE(secret_only.Verify(signer.Token(kGood), kNow).ok());
}

TEST_F(TokenTest, AnotherKeysSignatureIsRefused) {
  EXPECT_THAT(Refusal(Hs256(kGood, "another secret of at least 32 bytes")),
              HasSubstr("not signed"));
  EXPECT_THAT(Refusal(Signer().Token(kGood)), HasSubstr("not signed"));
}

TEST_F(TokenTest, EveryChangedCharacterIsSeen) {
  for (const std::string& token : {Hs256(kGood), signer.Token(kGood)}) {
    ASSERT_TRUE(both.Verify(token, kNow).ok());
    for (size_t i = 0; i < token.size(); ++i) {
      std::string changed = token;
      changed[i] = token[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(both.Verify(changed, kNow).ok()) << i;
      EXPECT_FALSE(both.Verify(token.substr(0, i), kNow).ok()) << "cut at " << i;
    }
    for (const char* end : {"=", ".", " ", "\n", "A"}) {
      EXPECT_FALSE(both.Verify(token + end, kNow).ok()) << end;
    }
  }
}

TEST_F(TokenTest, TheEndOfASignatureHasOneSpelling) {
  std::string token = Hs256(kGood);
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const char last = token.back();
  int accepted = 0;
  for (const char letter : letters) {
    token.back() = letter;
    accepted += both.Verify(token, kNow).ok() ? 1 : 0;
  }
  EXPECT_EQ(accepted, 1) << "the last letter " << last << " has bits that count for nothing";
}

TEST_F(TokenTest, ClaimsOfAnotherTypeAreMalformed) {
  for (const char* claims :
       {R"({"session":1,"exp":2000000000})", R"({"session":"","exp":2000000000})",
        R"({"session":"s","exp":"2000000000"})", R"({"session":"s","exp":-1})",
        R"({"session":"s","exp":1e300})", R"({"session":"s","exp":2000000000,"nbf":"x"})",
        R"({"streams":"x","exp":2000000000})", R"({"streams":[],"exp":2000000000})",
        R"({"streams":[1],"exp":2000000000})", R"({"app":["a"],"exp":2000000000})",
        R"({"app":"a","app":"b","exp":2000000000})", R"(["s"])", R"("s")", "", "{"}) {
    EXPECT_THAT(Refusal(Hs256(claims)), HasSubstr("malformed")) << claims;
  }
  EXPECT_THAT(Refusal(Hs256(R"({"exp":2000000000})")), HasSubstr("grants nothing"));
}

TEST_F(TokenTest, AHundredKilobytesAreRefusedUnread) {
  EXPECT_THAT(Refusal(Hs256(absl::StrCat(R"({"session":")", std::string(100 << 10, 'x'), "\"}"))),
              HasSubstr("too long"));
}

TEST_F(TokenTest, ARefusalTellsNothingOfTheToken) {
  EXPECT_THAT(Refusal(Hs256(R"({"session":"mysession"})")), Not(HasSubstr("mysession")));
  EXPECT_THAT(Refusal("mytoken"), Not(HasSubstr("mytoken")));
}

TEST(TokenKeysTest, KeysThatAreNoneAreRefusedWithoutShowingThem) {
  EXPECT_FALSE(TokenVerifier::Make({}).ok());
  const absl::Status small = TokenVerifier::Make({{"hunter2"}, {}}).status();
  EXPECT_EQ(small.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(small.message(), HasSubstr("has 7"));
  EXPECT_THAT(small.message(), Not(HasSubstr("hunter2")));
  EXPECT_FALSE(TokenVerifier::Make({{std::string(5000, 'x')}, {}}).ok());
  const absl::Status pem = TokenVerifier::Make({{}, {"-----BEGIN PUBLIC KEY-----\nx"}}).status();
  EXPECT_THAT(pem.message(), HasSubstr("Ed25519"));
  EVP_PKEY* rsa = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048});
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, rsa);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  EXPECT_FALSE(TokenVerifier::Make({{}, {std::string(data, static_cast<size_t>(size))}}).ok());
  BIO_free(bio);
  EVP_PKEY_free(rsa);
}

}  // namespace
}  // namespace tallybus
