// Reading of options.
#include "transports/parts/options.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace tallybus::parts {

absl::Status WrongOption(const char* name, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
}

std::string TextOption(const Endpoint& endpoint, const char* name, const char* fallback) {
  const auto option = endpoint.options.find(name);
  return option == endpoint.options.end() ? fallback : option->second;
}

absl::StatusOr<bool> FlagOption(const Endpoint& endpoint, const char* name, bool fallback) {
  const std::string text = TextOption(endpoint, name, fallback ? "true" : "false");
  if (text == "true" || text == "false") return text == "true";
  return WrongOption(name, "must be true or false");
}

absl::StatusOr<int64_t> NumberOption(const Endpoint& endpoint, const char* name, int64_t fallback,
                                     int64_t least, int64_t most) {
  int64_t number = fallback;
  const auto option = endpoint.options.find(name);
  const bool read = option == endpoint.options.end() || absl::SimpleAtoi(option->second, &number);
  if (read && number >= least && number <= most) return number;
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": must be a number from ", least, " to ", most));
}

absl::Status CheckAuthorities(const Endpoint& endpoint, const char* name) {
  const std::string path = TextOption(endpoint, name);
  if (path.empty()) return absl::OkStatus();
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> first(
      file ? PEM_read_bio_X509_AUX(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
  ERR_clear_error();
  if (first) return absl::OkStatus();
  return absl::InvalidArgumentError(
      file ? absl::StrCat(name, ": ", path, " holds no certificate in PEM")
           : absl::StrCat(name, ": cannot read ", path));
}

}  // namespace tallybus::parts
