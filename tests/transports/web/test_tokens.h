// Tokens as a backend would sign them.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_TEST_TOKENS_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_TEST_TOKENS_H_

#include <absl/strings/escaping.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

namespace tallybus::testing {

inline constexpr char kSecret[] = "an HS256 secret of 32 bytes, or more";

inline std::string SignedText(const std::string& header, const std::string& claims) {
  return absl::WebSafeBase64Escape(header) + "." + absl::WebSafeBase64Escape(claims);
}

inline std::string Hs256(const std::string& claims, const std::string& secret = kSecret,
                         const std::string& header = R"({"alg":"HS256","typ":"JWT"})") {
  const std::string text = SignedText(header, claims);
  std::string mac(32, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &size);
  return text + "." + absl::WebSafeBase64Escape(mac);
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_TEST_TOKENS_H_
