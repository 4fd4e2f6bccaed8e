// The keys that an app and a route have in common: how events are sent.
#include "sending_keys.h"

#include <absl/status/statusor.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "credential_keys.h"
#include "tallybus/event.h"
#include "units.h"

namespace tallybus::config {
namespace {

constexpr int kMostConnections = 10'000;
constexpr absl::Duration kShortestTimeout = absl::Milliseconds(100);
constexpr absl::Duration kLongestTimeout = absl::Minutes(10);
constexpr size_t kMostDelays = 64;
// A shorter one would only heat the endpoint; after a longer one no event is left to send.
constexpr absl::Duration kShortestDelay = absl::Milliseconds(10);
constexpr absl::Duration kLongestDelay = absl::Hours(72);
constexpr int64_t kLeastQuota = int64_t{64} << 10;
constexpr int64_t kMostQuota = int64_t{1} << 40;
constexpr int64_t kMostInABatch = 10'000;
constexpr int64_t kLeastBatchBytes = int64_t{1} << 10;
constexpr int64_t kMostBatchBytes = int64_t{64} << 20;
constexpr absl::Duration kLongestBatchWait = absl::Minutes(1);

constexpr Choice<Delivery> kDeliveries[] = {{"notify", Delivery::kNotify},
                                            {"guaranteed", Delivery::kGuaranteed}};
constexpr Choice<Retry> kRetries[] = {
    {"live", Retry::kLive}, {"standard", Retry::kStandard}, {"none", Retry::kNone}};
constexpr Choice<bool> kSuccesses[] = {{"2xx", false}, {"200", true}};
constexpr Choice<Network> kNetworks[] = {{"private", Network::kPrivate},
                                         {"public", Network::kPublic}};
constexpr Choice<WhenFull> kWhenFulls[] = {{"shed", WhenFull::kShed}, {"block", WhenFull::kBlock}};
constexpr Choice<OnHeadFailure> kOnHeadFailures[] = {{"block", OnHeadFailure::kBlock},
                                                     {"skip", OnHeadFailure::kSkip}};
constexpr Choice<Format> kFormats[] = {{"wcs", Format::kWcs},
                                       {"json-array", Format::kJsonArray},
                                       {"ndjson", Format::kNdjson},
                                       {"cloudevents", Format::kCloudEvents},
                                       {"cloudevents-batch", Format::kCloudEventsBatch}};
constexpr Choice<bool> kFlags[] = {{"true", true}, {"false", false}};

// Of HTTP, or of how the transport rest writes an event.
constexpr std::string_view kRestKeys[] = {"allow_cidrs", "batch",   "bearer_token", "compress",
                                          "format",      "network", "password",     "signing",
                                          "success",     "tls",     "username",     "wcs_hash_key"};

// What can be said without resolving anything; the transport judges the rest.
absl::Status CheckUrl(const Value& value, std::string_view url, std::string_view or_else) {
  const std::string_view scheme = url.substr(0, url.find("://"));
  if (scheme.size() == url.size() || (scheme != "http" && scheme != "https")) {
    return value.Error("must begin with http:// or https://" + std::string(or_else));
  }
  const std::string_view rest = url.substr(scheme.size() + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return value.Error("holds credentials; they are written as username and password");
  }
  if (authority.empty() || authority.front() == ':') return value.Error("names no host");
  if (url.find(' ') != std::string_view::npos) return value.Error("holds a space; write %20");
  return absl::OkStatus();
}

absl::Status ReadRetry(const Value& value, Sending& out) {
  out.retry_delays.clear();
  if (!value.IsList()) return Store(ReadChoice<Retry>(value, kRetries), out.retry);
  absl::StatusOr<std::vector<Value>> items = value.Items();
  if (!items.ok()) return items.status();
  if (items->empty()) return value.Error("lists no delay; `none` gives up at the first failure");
  if (items->size() > kMostDelays) {
    return value.Error(absl::StrCat("lists more than ", kMostDelays, " delays"));
  }
  for (const Value& item : *items) {
    absl::StatusOr<absl::Duration> delay = item.Duration(kShortestDelay, kLongestDelay);
    if (!delay.ok()) return delay.status();
    out.retry_delays.push_back(*delay);
  }
  out.retry = Retry::kList;
  return absl::OkStatus();
}

bool IsCidr(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  const std::string digits = text.substr(slash + 1);
  int bits = 0;
  if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
  if (!absl::SimpleAtoi(digits, &bits)) return false;
  in6_addr space;
  if (inet_pton(AF_INET, address.c_str(), &space) == 1) return bits <= 32;
  return inet_pton(AF_INET6, address.c_str(), &space) == 1 && bits <= 128;
}

absl::Status ReadAllowCidrs(const Value& value, Sending& out) {
  return Store(value.Texts([](const std::string& cidr) -> std::string_view {
    if (IsCidr(cidr)) return "";
    return "must be an address and a prefix, such as 10.0.0.0/8 or fd00::/8";
  }),
               out.allow_cidrs);
}

absl::Status ReadFile(const Value& value, std::string& file, std::string& where) {
  where = value.Where();
  return Store(value.Text(), file);
}

constexpr Key<Sending> kTlsKeys[] = {
    {"ca_file",
     [](const Value& v, Sending& out) { return ReadFile(v, out.ca_file, out.ca_file_where); }},
    {"cert_file",
     [](const Value& v, Sending& out) { return ReadFile(v, out.cert_file, out.cert_file_where); }},
    {"key_file",
     [](const Value& v, Sending& out) { return ReadFile(v, out.key_file, out.key_file_where); }},
    {"http2",
     [](const Value& v, Sending& out) { return Store(ReadChoice<bool>(v, kFlags), out.http2); }},
    {"pin", nullptr}};

absl::Status ReadTls(const Value& value, Sending& out) {
  if (absl::Status status = ReadKeys<Sending>(value, kTlsKeys, out); !status.ok()) return status;
  if (out.cert_file.empty() == out.key_file.empty()) return absl::OkStatus();
  return value.Error(out.key_file.empty() ? "cert_file needs its key_file beside it"
                                          : "key_file needs its cert_file beside it");
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

absl::StatusOr<Quota> ParseQuota(const Value& value, std::string_view text) {
  const bool has_percent = text.ends_with('%');
  const std::string digits(text.substr(0, text.size() - (has_percent ? 1 : 0)));
  int percent = 0;
  const bool fits =
      IsDigits(digits) && absl::SimpleAtoi(digits, &percent) && percent >= 1 && percent <= 100;
  if (has_percent && fits) return Quota{.percent = percent};
  if (has_percent && IsDigits(digits)) return value.Error("must be from 1% to 100%");
  if (fits) {
    return value.Error(
        absl::StrCat("has no unit; did you mean ", percent, "% or ", percent, "MiB?"));
  }
  if (!IsDigits(text) && !ParseSize(text).ok()) {
    return value.Error("needs a size, such as 64MiB, or a percentage of the spool, such as 25%");
  }
  absl::StatusOr<int64_t> bytes = value.Size(kLeastQuota, kMostQuota);
  if (!bytes.ok()) return bytes.status();
  return Quota{.bytes = *bytes};
}

absl::Status ReadQuota(const Value& value, Sending& out) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  out.quota.reset();
  if (*text == "share") return absl::OkStatus();
  out.quota_where = value.Where();
  return Store(ParseQuota(value, *text), out.quota);
}

constexpr Key<Batch> kBatchKeys[] = {
    {"max_events",
     [](const Value& v, Batch& out) { return Store(v.Integer(1, kMostInABatch), out.max_events); }},
    {"max_bytes",
     [](const Value& v, Batch& out) {
       return Store(v.Size(kLeastBatchBytes, kMostBatchBytes), out.max_bytes);
     }},
    {"max_wait", [](const Value& v, Batch& out) {
       return Store(v.Duration(absl::ZeroDuration(), kLongestBatchWait), out.max_wait);
     }}};

absl::Status ReadBatch(const Value& value, Sending& out) {
  out.batch_where = value.Where();
  return ReadKeys<Batch>(value, kBatchKeys, out.batch);
}

constexpr Key<Sending> kCompressKeys[] = {{"over", [](const Value& v, Sending& out) {
                                             return Store(v.Size(0, kMostBatchBytes),
                                                          out.compress_over);
                                           }}};

absl::Status ReadCompress(const Value& value, Sending& out) {
  return ReadKeys<Sending>(value, kCompressKeys, out);
}

absl::Status ReadOnHeadFailure(const Value& value, Sending& out) {
  out.on_head_failure_where = value.Where();
  return Store(ReadChoice<OnHeadFailure>(value, kOnHeadFailures), out.on_head_failure);
}

constexpr Key<Sending> kSendingKeys[] = {
    {"delivery",
     [](const Value& v, Sending& out) {
       return Store(ReadChoice<Delivery>(v, kDeliveries), out.delivery);
     }},
    {"retry", ReadRetry},
    {"timeout",
     [](const Value& v, Sending& out) {
       return Store(v.Duration(kShortestTimeout, kLongestTimeout), out.timeout);
     }},
    {"max_connections",
     [](const Value& v, Sending& out) {
       return Store(v.Integer(1, kMostConnections), out.max_connections);
     }},
    {"success",
     [](const Value& v, Sending& out) {
       return Store(ReadChoice<bool>(v, kSuccesses), out.strict_success);
     }},
    {"network", [](const Value& v,
                   Sending& out) { return Store(ReadChoice<Network>(v, kNetworks), out.network); }},
    {"allow_cidrs", ReadAllowCidrs},
    {"tls", ReadTls},
    {"quota", ReadQuota},
    {"when_full",
     [](const Value& v, Sending& out) {
       return Store(ReadChoice<WhenFull>(v, kWhenFulls), out.when_full);
     }},
    {"on_head_failure", ReadOnHeadFailure},
    {"coalesce",
     [](const Value& v, Sending& out) { return Store(ReadChoice<bool>(v, kFlags), out.coalesce); }},
    {"format", [](const Value& v,
                  Sending& out) { return Store(ReadChoice<Format>(v, kFormats), out.format); }},
    {"batch", ReadBatch},
    {"signing", [](const Value& v, Sending& out) { return ReadSigning(v, out.credentials); }},
    {"username", [](const Value& v, Sending& out) { return ReadUsername(v, out.credentials); }},
    {"password", [](const Value& v, Sending& out) { return ReadPassword(v, out.credentials); }},
    {"bearer_token",
     [](const Value& v, Sending& out) { return ReadBearerToken(v, out.credentials); }},
    {"wcs_hash_key",
     [](const Value& v, Sending& out) { return ReadWcsHashKey(v, out.credentials); }},
    {"compress", ReadCompress},
    {"hold", nullptr},
};

}  // namespace

std::string_view FormatWord(Format format) {
  for (const Choice<Format>& choice : kFormats) {
    if (choice.meaning == format) return choice.word;
  }
  return "";
}

std::span<const Key<Sending>> SendingKeys() { return kSendingKeys; }

absl::Status ReadUrl(const Value& value, std::string_view or_else, Sending& out) {
  absl::StatusOr<std::string> url = value.Text();
  if (!url.ok()) return url.status();
  if (absl::Status status = CheckUrl(value, *url, or_else); !status.ok()) return status;
  out.url = *std::move(url);
  out.url_where = value.Where();
  return absl::OkStatus();
}

absl::Status ReadAddress(const Value& value, Sending& out) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  if (text->empty()) return value.Error("must not be empty");
  // It is shown in places where an option that is a secret is not.
  const size_t begin = text->find("://");
  if (begin != std::string::npos) {
    const std::string authority = text->substr(begin + 3, text->find('/', begin + 3) - begin - 3);
    const size_t user = authority.substr(0, authority.rfind('@')).find(':');
    if (authority.find('@') != std::string::npos && user != std::string::npos) {
      return value.Error("holds a password; one is written below options");
    }
  }
  out.url = *std::move(text);
  out.url_where = value.Where();
  return absl::OkStatus();
}

bool IsRestKey(std::string_view name) {
  return std::find(std::begin(kRestKeys), std::end(kRestKeys), name) != std::end(kRestKeys);
}

absl::Status ReadMethods(const Value& value, std::vector<std::string>& out) {
  out.clear();
  if (!value.IsList()) {
    absl::StatusOr<std::string> word = value.Text();
    if (word.ok() && *word == "all") return absl::OkStatus();
    return word.ok() ? value.Error("must be a list of methods, or the word all") : word.status();
  }
  absl::Status status = Store(value.Texts([](const std::string& method) -> std::string_view {
    return IsValidMethod(method) ? "" : "is no name of a method";
  }),
                              out);
  if (status.ok() && out.empty()) return value.Error("lists nothing; `all` is every method");
  return status;
}

absl::Status CheckFormat(const Sending& sending) {
  if (!sending.Batches() && !sending.batch_where.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        sending.batch_where,
        ": needs a format that holds several events: json-array, ndjson or cloudevents-batch"));
  }
  if (sending.Batches() && sending.batch.max_wait >= sending.timeout) {
    return absl::InvalidArgumentError(
        absl::StrCat(sending.batch_where, ": max_wait must be shorter than the timeout of ",
                     DurationText(sending.timeout)));
  }
  if (sending.Batches() && sending.on_head_failure == OnHeadFailure::kSkip) {
    return absl::InvalidArgumentError(absl::StrCat(
        sending.on_head_failure_where,
        ": `skip` lets later events pass one that fails; in a batch they fail together, "
        "so it needs a format of one event, `format: wcs` or `format: cloudevents`"));
  }
  return absl::OkStatus();
}

absl::Status CheckQuota(const Sending& sending, int64_t spool_bytes) {
  if (!sending.quota || sending.quota->Of(spool_bytes) <= spool_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(sending.quota_where, ": is more than the whole spool, whose max_size is ",
                   SizeText(spool_bytes)));
}

}  // namespace tallybus::config
