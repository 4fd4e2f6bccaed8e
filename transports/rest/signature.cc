// HMAC and Ed25519 are OpenSSL's.
#include "transports/rest/signature.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstddef>
#include <utility>

namespace tallybus::rest {
namespace {

constexpr std::string_view kSecret = "whsec_";
constexpr std::string_view kPrivate = "whsk_";
constexpr std::string_view kPublic = "whpk_";
constexpr size_t kLeastSecretBytes = 24;
constexpr size_t kMostSecretBytes = 64;
constexpr size_t kHalf = 32;  // of an Ed25519 pair: the seed, and the public key

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

using Pair = std::shared_ptr<const EVP_PKEY>;

Pair FromSeed(std::string_view seed) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(seed), seed.size()),
          EVP_PKEY_free};
}

Pair FromPublic(std::string_view key) {
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(key), key.size()),
          EVP_PKEY_free};
}

// The second half of a whsk_ says whose it is; a wrong one is a key that was cut or mixed up.
bool Belongs(const Pair& pair, std::string_view public_half) {
  std::array<unsigned char, kHalf> own;
  size_t size = own.size();
  return EVP_PKEY_get_raw_public_key(pair.get(), own.data(), &size) == 1 &&
         public_half == std::string_view(reinterpret_cast<const char*>(own.data()), size);
}

absl::StatusOr<Pair> ParsePair(std::string_view bytes) {
  if (bytes.size() != kHalf && bytes.size() != 2 * kHalf) {
    return Wrong(absl::StrCat("holds ", bytes.size(), " bytes; whsk_ holds 64, or 32"));
  }
  Pair pair = FromSeed(bytes.substr(0, kHalf));
  if (pair == nullptr) return Wrong("is no Ed25519 key");
  if (bytes.size() > kHalf && !Belongs(pair, bytes.substr(kHalf))) {
    return Wrong("has two halves that do not belong together");
  }
  return pair;
}

absl::StatusOr<Pair> ParsePublic(std::string_view bytes) {
  if (bytes.size() != kHalf) {
    return Wrong(absl::StrCat("holds ", bytes.size(), " bytes; whpk_ holds 32"));
  }
  Pair pair = FromPublic(bytes);
  if (pair == nullptr) return Wrong("is no Ed25519 key");
  return pair;
}

absl::Status NoPrefix(std::string_view text) {
  if (text.empty()) return Wrong("is empty");
  if (text.starts_with("v1,") || text.starts_with("v1a,")) {
    return Wrong("has a version in front; the key alone begins with whsec_ or whsk_");
  }
  return Wrong("begins with none of whsec_ and whsk_");
}

std::string Hmac(std::string_view secret, std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(content), content.size(),
       digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::string SignWith(const Pair& pair, std::string_view content) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  auto* key = const_cast<EVP_PKEY*>(pair.get());  // OpenSSL counts its users
  std::string signature(2 * kHalf, '\0');
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(content), content.size()) != 1) {
    return "";
  }
  return signature;
}

}  // namespace

std::string SignedContent(std::string_view id, int64_t timestamp, std::string_view body) {
  const absl::AlphaNum digits(timestamp);
  std::string content;
  content.reserve(id.size() + digits.size() + body.size() + 2);
  content.append(id).append(".").append(digits.data(), digits.size()).append(".").append(body);
  return content;
}

absl::StatusOr<WebhookKey> WebhookKey::Parse(std::string_view text) {
  const bool is_secret = text.starts_with(kSecret), is_public = text.starts_with(kPublic);
  if (!is_secret && !is_public && !text.starts_with(kPrivate)) return NoPrefix(text);
  std::string bytes;
  const std::string_view encoded = text.substr(text.find('_') + 1);
  if (!absl::Base64Unescape(absl::string_view(encoded.data(), encoded.size()), &bytes)) {
    return Wrong("is not base64 behind its prefix");
  }
  WebhookKey key;
  key.is_public_ = is_public;
  if (is_secret) {
    if (bytes.empty()) return Wrong("is empty behind its prefix");
    key.secret_ = std::move(bytes);
    return key;
  }
  absl::StatusOr<Pair> pair = is_public ? ParsePublic(bytes) : ParsePair(bytes);
  if (!pair.ok()) return pair.status();
  key.pair_ = *std::move(pair);
  return key;
}

absl::Status WebhookKey::MaySign() const {
  if (is_public_) return Wrong("is a public key, whpk_; what signs is its whsk_");
  if (pair_ != nullptr ||
      (secret_.size() >= kLeastSecretBytes && secret_.size() <= kMostSecretBytes)) {
    return absl::OkStatus();
  }
  return Wrong(
      absl::StrCat("holds ", secret_.size(), " bytes; a whsec_ that signs holds 24 to 64"));
}

std::string WebhookKey::Sign(std::string_view content) const {
  if (is_public_) return "";
  const std::string signature =
      pair_ == nullptr ? Hmac(secret_, content) : SignWith(pair_, content);
  return std::string(version()) + "," + absl::Base64Escape(signature);
}

bool WebhookKey::IsMine(std::string_view content, std::string_view signature) const {
  if (pair_ == nullptr) {
    const std::string own = Hmac(secret_, content);
    return own.size() == signature.size() &&
           CRYPTO_memcmp(own.data(), signature.data(), own.size()) == 0;
  }
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  auto* key = const_cast<EVP_PKEY*>(pair_.get());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(content),
                          content.size()) == 1;
}

bool WebhookKey::Proves(std::string_view content, std::string_view field) const {
  for (const absl::string_view entry :
       absl::StrSplit(absl::string_view(field.data(), field.size()), ' ')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits(',', 1));
    std::string signature;
    if (parts.first != absl::string_view(version().data(), version().size()) ||
        !absl::Base64Unescape(parts.second, &signature)) {
      continue;
    }
    if (IsMine(content, signature)) return true;
  }
  return false;
}

}  // namespace tallybus::rest
