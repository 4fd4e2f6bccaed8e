// A certificate that signs itself, by OpenSSL.
#include "tests/support/tls_identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

namespace tallybus::testing {
namespace {

constexpr char kNames[] = "IP:127.0.0.1,DNS:localhost,DNS:loopback.test";
constexpr long kDay = 24 * 60 * 60;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "a certificate for the test: %s failed\n", what);
  std::abort();
}

void AddExtension(X509* certificate, int id, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
  Require(extension != nullptr, value);
  Require(X509_add_ext(certificate, extension, -1) == 1, value);
  X509_EXTENSION_free(extension);
}

X509* CertificateOf(EVP_PKEY* key) {
  X509* certificate = X509_new();
  Require(certificate != nullptr, "X509_new");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kDay);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("scripted server"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  AddExtension(certificate, NID_subject_alt_name, kNames);
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  Require(X509_sign(certificate, key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

}  // namespace

void TlsIdentity::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsIdentity::TlsIdentity() : ca_file_(directory_.path() + "/ca.pem") {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Require(key != nullptr, "EVP_EC_gen");
  X509* certificate = CertificateOf(key);
  std::FILE* file = std::fopen(ca_file_.c_str(), "w");
  Require(file != nullptr && PEM_write_X509(file, certificate) == 1, "ca.pem");
  std::fclose(file);
  context_.reset(SSL_CTX_new(TLS_server_method()));
  Require(context_ != nullptr, "SSL_CTX_new");
  Require(SSL_CTX_use_certificate(context_.get(), certificate) == 1, "certificate");
  Require(SSL_CTX_use_PrivateKey(context_.get(), key) == 1, "key");
  X509_free(certificate);
  EVP_PKEY_free(key);
}

}  // namespace tallybus::testing
