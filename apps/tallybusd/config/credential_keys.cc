// Secrets are written as they are, or as the file: that they are read from.
#include "credential_keys.h"

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace tallybus::config {
namespace {

constexpr std::string_view kFile = "file:";
constexpr size_t kMostBytes = size_t{16} << 10;
constexpr size_t kMostKeys = 16;

absl::StatusOr<std::string> ReadSecretFile(const Value& value, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char c = 0;
  while (text.size() <= kMostBytes && file.get(c)) text.push_back(c);
  if (!file.is_open() || file.bad()) return value.Error("its file cannot be read");
  if (text.size() > kMostBytes) return value.Error("its file is larger than any secret");
  // The line feed that an editor leaves at the end is none of a secret's.
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

absl::StatusOr<Secret> ReadSecret(const Value& value) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  if (*text == kHiddenSecret) return value.Error("is what stands for a secret that is not shown");
  if (!text->starts_with(kFile)) return Secret{*std::move(text), ""};
  const std::string path = text->substr(kFile.size());
  absl::StatusOr<std::string> read = ReadSecretFile(value, path);
  if (!read.ok()) return read.status();
  return Secret{*std::move(read), path};
}

absl::Status ReadUntil(const Value& value, SigningKey& out) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, *text, &out.until, &error)) return absl::OkStatus();
  return value.Error("needs a time, such as 2026-12-31T00:00:00Z");
}

constexpr Key<SigningKey> kSigningKeys[] = {
    {"key", [](const Value& v, SigningKey& out) { return Store(ReadSecret(v), out.key); }},
    {"until", ReadUntil},
};

absl::Status ReadKept(const Value& value, const char* name, std::optional<Secret>& secret,
                      Credentials& out) {
  out.where[name] = value.Where();
  return Store(ReadSecret(value), secret);
}

}  // namespace

absl::Status ReadSigning(const Value& value, Credentials& out) {
  out.where["signing"] = value.Where();
  out.signing.clear();
  if (!value.IsList()) return value.Error("must be a list of keys: [{key: file:/path}]");
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  if (items->empty()) return value.Error("lists no key; leave it out for no signature");
  if (items->size() > kMostKeys) return value.Error("lists more than 16 keys");
  for (const Value& item : *items) {
    SigningKey& key = out.signing.emplace_back();
    if (absl::Status status = ReadKeys<SigningKey>(item, kSigningKeys, key); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadUsername(const Value& value, Credentials& out) {
  out.where["username"] = value.Where();
  return Store(value.Text(), out.username);
}

absl::Status ReadPassword(const Value& value, Credentials& out) {
  return ReadKept(value, "password", out.password, out);
}

absl::Status ReadBearerToken(const Value& value, Credentials& out) {
  return ReadKept(value, "bearer_token", out.bearer_token, out);
}

absl::Status ReadWcsHashKey(const Value& value, Credentials& out) {
  return ReadKept(value, "wcs_hash_key", out.wcs_hash_key, out);
}

}  // namespace tallybus::config
