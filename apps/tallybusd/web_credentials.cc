// Files are told apart by inode, size and time: one that is replaced, and one that is written over.
#include "web_credentials.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace tallybus {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(10);
constexpr size_t kMostBytes = 16 << 10;
constexpr char kSecretKey[] = "clients.token.hs256_secret_file";
constexpr char kEd25519Key[] = "clients.token.ed25519_key_file";

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::InvalidArgumentError("cannot be read");
  const absl::Cleanup closes = [descriptor] { close(descriptor); };
  std::string text(kMostBytes + 1, '\0');
  size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = read(descriptor, &text[size], text.size() - size)) > 0) {
    size += static_cast<size_t>(got);
  }
  if (got < 0) return absl::InvalidArgumentError("cannot be read");
  if (size > kMostBytes) return absl::InvalidArgumentError("is larger than any key");
  text.resize(size);
  return text;
}

absl::Status At(std::string_view key, const std::string& file, const absl::Status& error) {
  return absl::InvalidArgumentError(
      absl::StrCat(absl::string_view(key.data(), key.size()), ": ", file, ": ", error.message()));
}

// The line feed that an editor leaves at the end is none of a secret's.
std::string WithoutLineEnd(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

// Each file is tried by itself, so that an error names it.
absl::StatusOr<TokenVerifier> ReadTokenKeys(const config::TokenKeys& files) {
  TokenVerifier::Keys keys;
  for (const std::string& file : files.hs256_secret_files) {
    absl::StatusOr<std::string> text = ReadSmallFile(file);
    if (!text.ok()) return At(kSecretKey, file, text.status());
    keys.hs256_secrets.push_back(WithoutLineEnd(*std::move(text)));
    auto alone = TokenVerifier::Make({.hs256_secrets = {keys.hs256_secrets.back()}});
    if (!alone.ok()) return At(kSecretKey, file, alone.status());
  }
  for (const std::string& file : files.ed25519_key_files) {
    absl::StatusOr<std::string> text = ReadSmallFile(file);
    if (!text.ok()) return At(kEd25519Key, file, text.status());
    keys.ed25519_pems.push_back(*std::move(text));
    auto alone = TokenVerifier::Make({.ed25519_pems = {keys.ed25519_pems.back()}});
    if (!alone.ok()) return At(kEd25519Key, file, alone.status());
  }
  return TokenVerifier::Make(keys);
}

}  // namespace

WebCredentials::WebCredentials(const config::Config& config, const Clock& clock, Log& log)
    : token_files_(config.clients.token), clock_(clock), log_(log), looked_(clock.Now()) {
  seen_ = LookAtFiles();  // before they are read: what changes meanwhile is read once more
}

absl::StatusOr<std::unique_ptr<WebCredentials>> WebCredentials::Load(const config::Config& config,
                                                                     const Clock& clock,
                                                                     Metrics& metrics, Log& log) {
  std::unique_ptr<WebCredentials> credentials(new WebCredentials(config, clock, log));
  if (!config.clients.token.empty()) {
    absl::StatusOr<TokenVerifier> keys = ReadTokenKeys(config.clients.token);
    if (!keys.ok()) return keys.status();
    credentials->tokens_ = std::make_unique<TokenAuthority>(*std::move(keys), clock, metrics);
  }
  return credentials;
}

absl::Status WebCredentials::Check(const config::Config& config) {
  if (config.clients.token.empty()) return absl::OkStatus();
  return ReadTokenKeys(config.clients.token).status();
}

Authorize WebCredentials::authorize() const {
  if (tokens_ == nullptr) return nullptr;
  return [tokens = tokens_.get()](std::string_view token) { return tokens->Authorize(token); };
}

void WebCredentials::Reload() {
  seen_ = LookAtFiles();
  if (tokens_ == nullptr) return;
  absl::StatusOr<TokenVerifier> keys = ReadTokenKeys(token_files_);
  if (!keys.ok()) {
    return log_.Write(LogLevel::kError, absl::StrCat("the keys for tokens stay as they were: ",
                                                     keys.status().message()));
  }
  tokens_->SetKeys(*std::move(keys));
  log_.Write(LogLevel::kInfo, "the keys for tokens were read");
}

void WebCredentials::Tick() {
  if (clock_.Now() - looked_ < kLookEvery) return;
  looked_ = clock_.Now();
  if (LookAtFiles() != seen_) Reload();
}

std::string WebCredentials::LookAtFiles() const {
  std::string looks;
  for (const auto* files : {&token_files_.hs256_secret_files, &token_files_.ed25519_key_files}) {
    for (const std::string& file : *files) {
      struct stat found = {};
      if (stat(file.c_str(), &found) != 0) found = {};
      absl::StrAppend(&looks, found.st_ino, " ", found.st_size, " ", found.st_mtim.tv_sec, ".",
                      found.st_mtim.tv_nsec, "\n");
    }
  }
  return looks;
}

}  // namespace tallybus
