// Reading of options, and the check of the PEM files that they name.
#include "transports/rest/endpoint_settings.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

namespace tallybus::rest {
namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, X509Free>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

std::string Option(const Endpoint& endpoint, const char* name) {
  const auto option = endpoint.options.find(name);
  return option == endpoint.options.end() ? "" : option->second;
}

absl::StatusOr<Bio> OpenPem(const char* option, const std::string& path) {
  Bio file(BIO_new_file(path.c_str(), "r"));
  ERR_clear_error();
  if (file == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(option, ": cannot read ", path));
  }
  return file;
}

absl::StatusOr<Certificate> ReadCertificate(const char* option, const std::string& path) {
  auto file = OpenPem(option, path);
  if (!file.ok()) return file.status();
  Certificate first(PEM_read_bio_X509(file->get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (first != nullptr) return first;
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": ", path, " holds no certificate in PEM"));
}

// Nobody is there to type a pass phrase.
int NoPassPhrase(char*, int, int, void*) { return 0; }

// That it is there, and the certificate's own.
absl::Status CheckKey(const char* option, const std::string& path, const X509& certificate) {
  auto file = OpenPem(option, path);
  if (!file.ok()) return file.status();
  const Key key(PEM_read_bio_PrivateKey(file->get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, ": ", path, " holds no unencrypted private key in PEM"));
  }
  const bool fits = X509_check_private_key(&certificate, key.get()) == 1;
  ERR_clear_error();
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", path, " is not the key of the ",
                                                 "certificate in ", kCertFileOption));
}

absl::StatusOr<Format> ReadFormat(const std::string& word) {
  if (word.empty() || word == "wcs") return Format::kWcs;
  if (word == "json-array") return Format::kJsonArray;
  if (word == "ndjson") return Format::kNdjson;
  if (word == "cloudevents") return Format::kCloudEvents;
  if (word == "cloudevents-batch") return Format::kCloudEventsBatch;
  return absl::InvalidArgumentError(absl::StrCat(
      kFormatOption, ": must be wcs, json-array, ndjson, cloudevents or cloudevents-batch"));
}

absl::StatusOr<bool> ReadHttp2(const std::string& word) {
  if (word.empty() || word == "true") return true;
  if (word == "false") return false;
  return absl::InvalidArgumentError(absl::StrCat(kHttp2Option, ": must be true or false"));
}

absl::StatusOr<size_t> ReadCompressOver(const std::string& digits) {
  uint64_t bytes = SIZE_MAX;
  if (digits.empty() || absl::SimpleAtoi(digits, &bytes)) return bytes;
  return absl::InvalidArgumentError(
      absl::StrCat(kCompressOverOption, ": must be a number of bytes"));
}

}  // namespace

absl::StatusOr<EndpointSettings> ReadSettings(const Endpoint& endpoint) {
  auto url = ParseBaseUrl(endpoint.url);
  if (!url.ok()) return url.status();
  auto rules =
      AddressRules::Parse(Option(endpoint, kNetworkOption), Option(endpoint, kAllowCidrsOption));
  if (!rules.ok()) return rules.status();
  TlsFiles tls{Option(endpoint, kCaFileOption), Option(endpoint, kCertFileOption),
               Option(endpoint, kKeyFileOption)};
  if (tls.cert.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kCertFileOption, " and ", kKeyFileOption, " need each other"));
  }
  auto format = ReadFormat(Option(endpoint, kFormatOption));
  if (!format.ok()) return format.status();
  const auto http2 = ReadHttp2(Option(endpoint, kHttp2Option));
  if (!http2.ok()) return http2.status();
  auto credentials = Credentials::Read(endpoint.options);
  if (!credentials.ok()) return credentials.status();
  const auto compress_over = ReadCompressOver(Option(endpoint, kCompressOverOption));
  if (!compress_over.ok()) return compress_over.status();
  return EndpointSettings{.url = *std::move(url),
                          .rules = *std::move(rules),
                          .tls = std::move(tls),
                          .max_connections = std::max(endpoint.max_connections, 1),
                          .format = *format,
                          .http2 = *http2,
                          .credentials = *std::move(credentials),
                          .compress_over = *compress_over};
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (!files.ca.empty()) {
    if (auto ca = ReadCertificate(kCaFileOption, files.ca); !ca.ok()) return ca.status();
  }
  if (files.cert.empty()) return absl::OkStatus();
  const auto own = ReadCertificate(kCertFileOption, files.cert);
  if (!own.ok()) return own.status();
  return CheckKey(kKeyFileOption, files.key, **own);
}

absl::StatusOr<absl::Time> CertificateEnd(const TlsFiles& files) {
  if (files.cert.empty()) return absl::InfiniteFuture();
  auto own = ReadCertificate(kCertFileOption, files.cert);
  if (!own.ok()) return own.status();
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(own->get()), &end) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(kCertFileOption, ": ", files.cert, " does not say when it ends"));
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace tallybus::rest
