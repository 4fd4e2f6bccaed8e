// The algorithm is the key's: what a header says is compared with it, and chooses nothing else.
#include "transports/web/token.h"

#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace tallybus {
namespace {

constexpr size_t kShortestSecret = 32;
constexpr size_t kLongestSecret = 4096;
constexpr size_t kSha256Bytes = 32;
constexpr size_t kEd25519Bytes = 64;
constexpr size_t kMostStreams = 256;
constexpr size_t kMostHeaderMembers = 16;
constexpr size_t kMostClaims = 64;
constexpr size_t kLongestName = 4096;
constexpr double kLatestSecond = 253402300799.0;  // the end of the year 9999
constexpr char kHs256[] = "HS256";
constexpr char kEdDsa[] = "EdDSA";

absl::Status Refused(std::string_view reason) {
  return absl::UnauthenticatedError(absl::string_view(reason.data(), reason.size()));
}
absl::Status Malformed() { return Refused("the token is malformed"); }

// Strictly as RFC 7515 has it: no padding, no other letters, and no bits left over.
bool Decode(std::string_view text, std::string* out) {
  if (text.find_first_of("=+/ \t\r\n") != std::string_view::npos) return false;
  const absl::string_view encoded(text.data(), text.size());
  return absl::WebSafeBase64Unescape(encoded, out) && absl::WebSafeBase64Escape(*out) == text;
}

struct Parts {
  std::string_view signed_text;  // header, dot, claims
  std::string header;
  std::string claims;
  std::string signature;
};

bool Split(std::string_view token, Parts* parts) {
  const size_t first = token.find('.');
  if (first == std::string_view::npos) return false;
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  parts->signed_text = token.substr(0, second);
  return Decode(token.substr(0, first), &parts->header) &&
         Decode(token.substr(first + 1, second - first - 1), &parts->claims) &&
         Decode(token.substr(second + 1), &parts->signature);
}

// An object of so many members at most, in which no key stands twice: two readers could read two
// things. Each is held against each, of a header before anybody knows who signed it.
bool ReadObject(simdjson::dom::parser& parser, const std::string& json, size_t most,
                simdjson::dom::object* object) {
  if (parser.parse(json).get(*object) != simdjson::SUCCESS || object->size() > most) return false;
  for (auto one = object->begin(); one != object->end(); ++one) {
    auto other = one;
    for (++other; other != object->end(); ++other) {
      if (one.key() == other.key()) return false;
    }
  }
  return true;
}

// False: it is there and no such text.
bool ReadText(const simdjson::dom::object& object, std::string_view key,
              std::optional<std::string>* out) {
  simdjson::dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS) return true;
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS || text.empty() || text.size() > kLongestName) {
    return false;
  }
  *out = std::string(text);
  return true;
}

// Seconds since 1970, which may have a fraction. False: it is there and no such number.
bool ReadTime(const simdjson::dom::object& object, std::string_view key,
              std::optional<absl::Time>* out) {
  simdjson::dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS) return true;
  double seconds = 0;
  if (element.get(seconds) != simdjson::SUCCESS || !(seconds >= 0) || seconds > kLatestSecond) {
    return false;
  }
  *out = absl::UnixEpoch() + absl::Seconds(seconds);
  return true;
}

bool ReadStreams(const simdjson::dom::object& object, std::vector<std::string>* out) {
  simdjson::dom::element element;
  if (object["streams"].get(element) != simdjson::SUCCESS) return true;
  simdjson::dom::array names;
  if (element.get(names) != simdjson::SUCCESS || names.size() > kMostStreams) return false;
  for (const simdjson::dom::element& each : names) {
    std::string_view name;
    if (each.get(name) != simdjson::SUCCESS || name.empty() || name.size() > kLongestName) {
      return false;
    }
    out->emplace_back(name);
  }
  return !out->empty();
}

absl::StatusOr<TokenClaims> ReadClaims(const std::string& json, absl::Time now) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  TokenClaims claims;
  std::optional<absl::Time> expires;
  std::optional<absl::Time> not_before;
  if (!ReadObject(parser, json, kMostClaims, &object) ||
      !ReadText(object, "session", &claims.session) || !ReadText(object, "app", &claims.app) ||
      !ReadStreams(object, &claims.streams) || !ReadTime(object, "exp", &expires) ||
      !ReadTime(object, "nbf", &not_before)) {
    return Malformed();
  }
  if (!expires) return Refused("the token has no exp");
  if (now >= *expires) return Refused("the token has expired");
  if (not_before && now < *not_before) return Refused("the token is not valid yet");
  if (!claims.session && !claims.app && claims.streams.empty()) {
    return Refused("the token grants nothing");
  }
  claims.expires = *expires;
  return claims;
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

absl::StatusOr<KeyPtr> ReadEd25519(const std::string& pem) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<size_t>(pem.size(), 1 << 20))));
  KeyPtr key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (key == nullptr || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError(
        "is no Ed25519 public key in PEM: openssl pkey -in private.pem -pubout makes one");
  }
  return key;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool IsSignedBy(const std::string& secret, std::string_view input, std::string_view signature) {
  std::array<unsigned char, kSha256Bytes> made;
  unsigned int size = 0;
  const bool done = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Bytes(input),
                         input.size(), made.data(), &size) != nullptr;
  return done && signature.size() == made.size() &&
         CRYPTO_memcmp(made.data(), Bytes(signature), made.size()) == 0;
}

bool IsSignedBy(const KeyPtr& key, std::string_view input, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context != nullptr && signature.size() == kEd25519Bytes &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(input),
                          input.size()) == 1;
}

}  // namespace

struct TokenVerifier::Inside {
  std::vector<std::string> secrets;
  std::vector<KeyPtr> ed25519;
  ~Inside() {
    for (std::string& secret : secrets) OPENSSL_cleanse(secret.data(), secret.size());
  }
};

TokenVerifier::TokenVerifier(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
TokenVerifier::TokenVerifier(TokenVerifier&&) noexcept = default;
TokenVerifier& TokenVerifier::operator=(TokenVerifier&&) noexcept = default;
TokenVerifier::~TokenVerifier() = default;

absl::StatusOr<TokenVerifier> TokenVerifier::Make(const Keys& keys) {
  auto inside = std::make_unique<Inside>();
  if (keys.hs256_secrets.empty() && keys.ed25519_pems.empty()) {
    return absl::InvalidArgumentError("no key is given to check tokens with");
  }
  for (const std::string& secret : keys.hs256_secrets) {
    const size_t size = secret.size();
    if (size < kShortestSecret || size > kLongestSecret) {
      return absl::InvalidArgumentError(
          absl::StrCat("an HS256 secret has ", kShortestSecret, " to ", kLongestSecret,
                       " bytes, this one has ", size, ": openssl rand -hex 32 makes one"));
    }
    inside->secrets.push_back(secret);
  }
  for (const std::string& pem : keys.ed25519_pems) {
    absl::StatusOr<KeyPtr> key = ReadEd25519(pem);
    if (!key.ok()) return key.status();
    inside->ed25519.push_back(*std::move(key));
  }
  return TokenVerifier(std::move(inside));
}

bool TokenVerifier::IsSigned(std::string_view algorithm, std::string_view input,
                             std::string_view signature) const {
  const auto by_it = [&](const auto& key) { return IsSignedBy(key, input, signature); };
  if (algorithm == kHs256) {
    return std::any_of(inside_->secrets.begin(), inside_->secrets.end(), by_it);
  }
  return algorithm == kEdDsa &&
         std::any_of(inside_->ed25519.begin(), inside_->ed25519.end(), by_it);
}

absl::StatusOr<TokenClaims> TokenVerifier::Verify(std::string_view token, absl::Time now) const {
  if (token.size() > kMaxTokenBytes) return Refused("the token is too long");
  Parts parts;
  simdjson::dom::parser parser;
  simdjson::dom::object header;
  std::string_view algorithm;
  if (!Split(token, &parts) || !ReadObject(parser, parts.header, kMostHeaderMembers, &header) ||
      header["alg"].get(algorithm) != simdjson::SUCCESS) {
    return Malformed();
  }
  // What must be understood, and is not.
  if (header["crit"].error() != simdjson::NO_SUCH_FIELD) return Malformed();
  if (!IsSigned(algorithm, parts.signed_text, parts.signature)) {
    return Refused("the token is not signed by a key that is known here");
  }
  return ReadClaims(parts.claims, now);
}

}  // namespace tallybus
