// The options, and the fields that they make.
#include "transports/rest/credentials.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace tallybus::rest {
namespace {

absl::Status Wrong(const char* option, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": ", absl::string_view(what.data(), what.size())));
}

// Neither ends the line that it stands in, nor has to be escaped.
bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

absl::StatusOr<std::string> Basic(const std::string& name, const std::string& password) {
  if (name.empty() || name.find(':') != name.npos || HasControls(name)) {
    return Wrong(kUsernameOption, "is empty, or holds a colon or a control character");
  }
  if (HasControls(password)) return Wrong(kPasswordOption, "holds a control character");
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(name, ":", password)));
}

absl::StatusOr<std::string> Bearer(const std::string& token) {
  if (!token.empty() && IsVisible(token)) return "Bearer " + token;
  return Wrong(kBearerTokenOption, "must be of visible ASCII characters without spaces");
}

std::string HmacMd5Hex(std::string_view key, std::string_view body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_md5(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data(), &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace

// "<key>" or "<key>@<Unix seconds>", spaces between them.
absl::Status Credentials::ReadSigning(std::string_view list) {
  for (const absl::string_view item :
       absl::StrSplit(absl::string_view(list.data(), list.size()), ' ')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(item, absl::MaxSplits('@', 1));
    const std::string place = absl::StrCat(kSigningOption, "[", keys_.size(), "]");
    int64_t until = 0;
    const bool ends = parts.first.size() < item.size();
    if (ends && !absl::SimpleAtoi(parts.second, &until)) {
      return Wrong(place.c_str(), "ends at no time");
    }
    auto key = WebhookKey::Parse(std::string_view(parts.first.data(), parts.first.size()));
    if (!key.ok()) return Wrong(place.c_str(), std::string(key.status().message()));
    if (auto may = key->MaySign(); !may.ok()) {
      return Wrong(place.c_str(), std::string(may.message()));
    }
    keys_.push_back(
        {*std::move(key), ends ? absl::FromUnixSeconds(until) : absl::InfiniteFuture()});
  }
  // A request without any signature is what a forger would send.
  if (keys_.front().until == absl::InfiniteFuture()) return absl::OkStatus();
  return Wrong("signing[0]", "signs for ever; only those behind it have an end");
}

absl::StatusOr<Credentials> Credentials::Read(const std::map<std::string, std::string>& options) {
  const auto find = [&](const char* name) { return options.find(name); };
  Credentials out;
  if (const auto list = find(kSigningOption); list != options.end()) {
    if (auto status = out.ReadSigning(list->second); !status.ok()) return status;
  }
  const auto name = find(kUsernameOption), password = find(kPasswordOption);
  const auto token = find(kBearerTokenOption), hash = find(kWcsHashKeyOption);
  const bool basic = name != options.end() || password != options.end();
  if (basic + (token != options.end()) + (hash != options.end()) > 1) {
    return Wrong(token != options.end() ? kBearerTokenOption : kWcsHashKeyOption,
                 "there is one Authorization field: a password, a bearer_token or a wcs_hash_key");
  }
  if (basic) {
    if (name == options.end()) return Wrong(kPasswordOption, "needs a username");
    if (password == options.end()) return Wrong(kUsernameOption, "needs a password");
    auto value = Basic(name->second, password->second);
    if (!value.ok()) return value.status();
    out.authorization_ = *std::move(value);
  }
  if (token != options.end()) {
    auto value = Bearer(token->second);
    if (!value.ok()) return value.status();
    out.authorization_ = *std::move(value);
  }
  if (hash != options.end()) {
    if (hash->second.empty()) return Wrong(kWcsHashKeyOption, "is empty");
    out.wcs_hash_key_ = hash->second;
  }
  return out;
}

void Credentials::AddTo(std::string_view id, std::string_view body, absl::Time now,
                        HeaderFields* fields) const {
  if (!authorization_.empty()) fields->Join("Authorization", authorization_);
  if (!wcs_hash_key_.empty()) {
    fields->Join("Authorization", "WCS " + HmacMd5Hex(wcs_hash_key_, body));
  }
  if (!keys_.empty()) AddSignatures(id, body, now, fields);
}

void Credentials::AddSignatures(std::string_view id, std::string_view body, absl::Time now,
                                HeaderFields* fields) const {
  const int64_t timestamp = absl::ToUnixSeconds(now);
  const std::string content = SignedContent(id, timestamp, body);
  std::string signatures;
  for (const DatedKey& each : keys_) {
    if (each.until <= now) continue;
    if (!signatures.empty()) signatures.push_back(' ');
    signatures.append(each.key.Sign(content));
  }
  fields->Join("webhook-timestamp", std::to_string(timestamp));
  fields->Join("webhook-signature", signatures);
}

}  // namespace tallybus::rest
