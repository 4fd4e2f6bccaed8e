// The keys below `api` of the configuration file, and the secret that one of them names.
#include "api_keys.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace tallybus::config {
namespace {

constexpr size_t kShortestToken = 16;
constexpr size_t kLongestToken = 4096;

absl::Status ReadTokenFile(const Value& value, Api& out) {
  absl::StatusOr<std::string> file = value.Text();
  if (!file.ok()) return file.status();
  if (!file->starts_with('/')) return value.Error("must be an absolute path of a file");
  absl::Status status = ReadApiToken(*file).status();
  if (!status.ok()) return value.Error(status);
  out.token_file = *std::move(file);
  return absl::OkStatus();
}

constexpr Key<Api> kApiKeys[] = {{"token_file", ReadTokenFile}};

}  // namespace

absl::Status ReadApi(const Value& api, Api& out) { return ReadKeys<Api>(api, kApiKeys, out); }

absl::StatusOr<std::string> ReadApiToken(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string token(kLongestToken + 2, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(in.gcount()));
  if (token.empty() && errno != 0) return absl::ErrnoToStatus(errno, "the file cannot be read");
  absl::StripTrailingAsciiWhitespace(&token);
  const bool word = std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (word && token.size() >= kShortestToken && token.size() <= kLongestToken) return token;
  return absl::InvalidArgumentError(
      absl::StrCat("the file must hold one word of ", kShortestToken, " to ", kLongestToken,
                   " printable characters; for example of: openssl rand -hex 32"));
}

bool ServesApi(const Api& api, const Listen& listen, const Clients& clients) {
  if (!listen.web) return false;
  if (!api.token_file.empty()) return true;
  const bool for_others = clients.auth != ClientsAuth::kNone || !clients.allowed_hosts.empty() ||
                          !clients.allowed_origins.empty();
  return listen.web->IsLoopback() && !for_others;
}

}  // namespace tallybus::config
