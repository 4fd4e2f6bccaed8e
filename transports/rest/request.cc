// URL and header fields. Whatever comes from an event is escaped here.
#include "transports/rest/request.h"

#include <absl/strings/str_cat.h>
#include <curl/curl.h>

#include <memory>

#include "transports/parts/attributes.h"

namespace tallybus::rest {
namespace {

constexpr size_t kLongestScheme = std::string_view("https://").size();

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCleanup>;

std::string Part(const Url& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return "";
  std::string out(text);
  curl_free(text);
  return out;
}

bool HasPart(const Url& url, CURLUPart part) {
  char* text = nullptr;
  const bool has = curl_url_get(url.get(), part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return has;
}

// Between "://" and the path: "http://@host" has credentials too, though empty ones.
bool HasCredentials(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t start = scheme == url.npos ? 0 : scheme + 3;
  const size_t end = url.find_first_of("/?#\\", start);
  return url.substr(start, end - start).find('@') != std::string::npos;
}

// libcurl would take the first segment of "http:///path" for the host.
bool HasHost(const std::string& url) {
  const size_t scheme = url.find("://");
  return scheme != url.npos && scheme + 3 < url.size() && url[scheme + 3] != '/';
}

absl::Status Refuse(const Url& url, const std::string& text) {
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return absl::InvalidArgumentError("url: the scheme must be http or https");
  }
  if (!HasHost(text)) return absl::InvalidArgumentError("url: a host must follow ://");
  if (HasCredentials(text) || HasPart(url, CURLUPART_USER) || HasPart(url, CURLUPART_PASSWORD)) {
    return absl::InvalidArgumentError("url: credentials do not belong in it");
  }
  if (HasPart(url, CURLUPART_FRAGMENT) || text.find('#') != text.npos) {
    return absl::InvalidArgumentError("url: a fragment (#) is never sent, remove it");
  }
  return absl::OkStatus();
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void AppendEncoded(char c, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  if (IsUnreserved(c)) {
    out->push_back(c);
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out->push_back('%');
  out->push_back(kHex[byte >> 4]);
  out->push_back(kHex[byte & 15]);
}

// As libcurl sends it.
std::string WithAsciiPath(const std::string& url) {
  const size_t path = url.find('/', kLongestScheme);
  std::string out = url.substr(0, path);
  for (size_t i = path; i < url.size(); ++i) {
    const auto byte = static_cast<unsigned char>(url[i]);
    if (byte < 0x80) {
      out.push_back(url[i]);
    } else {
      absl::StrAppend(&out, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return out;
}

void JoinNumber(std::string_view name, uint64_t value, HeaderFields* out) {
  const absl::AlphaNum digits(value);
  out->Join(name, std::string_view(digits.data(), digits.size()));
}

}  // namespace

absl::StatusOr<BaseUrl> ParseBaseUrl(const std::string& url) {
  const Url parsed(curl_url());
  if (parsed == nullptr) return absl::ResourceExhaustedError("url: out of memory");
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(),
                                      CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER);
  if (code == CURLUE_USER_NOT_ALLOWED) {
    return absl::InvalidArgumentError("url: credentials do not belong in it");
  }
  if (code != CURLUE_OK || url.find('\0') != url.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("url: not a URL like http://host:port/path (", curl_url_strerror(code), ")"));
  }
  if (auto status = Refuse(parsed, url); !status.ok()) return status;

  BaseUrl base;
  base.query = Part(parsed, CURLUPART_QUERY);
  if (!base.query.empty()) base.query.insert(0, "?");
  base.host = Part(parsed, CURLUPART_HOST);
  const std::string port = Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  base.peer = absl::StrCat(base.host, ":", port);
  if (port != (Part(parsed, CURLUPART_SCHEME) == "https" ? "443" : "80")) base.host = base.peer;
  curl_url_set(parsed.get(), CURLUPART_QUERY, nullptr, 0);
  base.prefix = WithAsciiPath(Part(parsed, CURLUPART_URL));
  base.whole = base.prefix + base.query;
  while (!base.prefix.empty() && base.prefix.back() == '/') base.prefix.pop_back();
  return base;
}

void AppendSegment(std::string_view segment, std::string* out) {
  for (char c : segment) AppendEncoded(c, out);
}

std::string TargetUrl(const BaseUrl& base, std::string_view method) {
  std::string url;
  url.reserve(base.prefix.size() + base.query.size() + method.size() + 1);
  url.append(base.prefix).push_back('/');
  AppendSegment(method, &url);
  return url.append(base.query);
}

void HeaderFields::Clear() {
  text_.clear();
  starts_.clear();
}

void HeaderFields::Add(std::string_view name, std::string_view value) {
  starts_.push_back(text_.size());
  text_.append(name).append(": ").append(value).push_back('\0');
}

void HeaderFields::Join(std::string_view name, std::string_view value) {
  text_.pop_back();
  text_.append("\r\n").append(name).append(": ").append(value).push_back('\0');
}

void HeaderFields::AddRaw(std::string_view line) {
  starts_.push_back(text_.size());
  text_.append(line).push_back('\0');
}

std::string RequestId(Format format, std::span<const Parcel> parcels) {
  return IsBatch(format) ? BatchId(parcels) : parcels.front().event.id.ToString();
}

void WriteHeaders(Format format, std::span<const Parcel> parcels, HeaderFields* out) {
  out->Clear();
  out->Add("Accept", "application/json, application/*+json");
  out->Add("Content-Type", ContentType(format));
  out->Add("User-Agent", "Tallybus/" TALLYBUS_VERSION);  // what follows is none of libcurl's
  out->Join("Connection", "keep-alive");
  out->Join("webhook-id", RequestId(format, parcels));
  if (IsBatch(format)) return JoinNumber("tallybus-batch", parcels.size(), out);
  const Parcel& parcel = parcels.front();
  out->Join("tallybus-time", Rfc3339Millis(parcel.event.time));
  out->Join("tallybus-lane", parts::EncodeLane(parcel.lane));
  if (parcel.lane_sequence > 0) JoinNumber("tallybus-sequence", parcel.lane_sequence, out);
  JoinNumber("tallybus-attempt", static_cast<uint64_t>(parcel.attempt), out);
  if (parcel.redelivery) out->Join("tallybus-redelivery", "1");
  if (parcel.reordered) out->Join("tallybus-reordered", "1");
  if (parcel.coalesced > 0) JoinNumber("tallybus-coalesced", parcel.coalesced, out);
  if (parcel.event.from_router) out->Join("tallybus-origin", "router");
}

void WriteHead(const BaseUrl& base, std::string_view url, const HeaderFields& fields,
               size_t body_bytes, std::string* out) {
  const std::string_view target = url.substr(url.find('/', kLongestScheme));
  out->assign("POST ").append(target).append(" HTTP/1.1\r\nHost: ").append(base.host);
  for (size_t i = 0; i < fields.size(); ++i) out->append("\r\n").append(fields[i]);
  const absl::AlphaNum digits(body_bytes);
  out->append("\r\nContent-Length: ").append(digits.data(), digits.size()).append("\r\n\r\n");
}

}  // namespace tallybus::rest
