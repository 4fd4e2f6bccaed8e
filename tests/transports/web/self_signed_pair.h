// A certificate that signs itself, for a server under test.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_SELF_SIGNED_PAIR_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_SELF_SIGNED_PAIR_H_

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <string>

namespace tallybus::testing {

inline void MakeSelfSignedPair(const std::string& cert_path, const std::string& key_path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(cert), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_sign(cert, key, EVP_sha256());
  std::FILE* cert_file = std::fopen(cert_path.c_str(), "w");
  PEM_write_X509(cert_file, cert);
  std::fclose(cert_file);
  std::FILE* key_file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(key_file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(key_file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_SELF_SIGNED_PAIR_H_
