// One delivery as an HTTP request: its URL and its header fields. Pure.
#ifndef TALLYBUS_REST_REQUEST_H_
#define TALLYBUS_REST_REQUEST_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/transport.h"
#include "transports/rest/body.h"

namespace tallybus::rest {

// An endpoint's URL, ready to have a method appended.
struct BaseUrl {
  std::string prefix;  // "https://example.org/apps/EchoApp": no slash at the end, no query
  std::string query;   // "?key=value", or empty
  std::string whole;   // as it is, query included: where batches go
  std::string peer;    // "example.org:443", for the log
  std::string host;    // "example.org", with a port that is not the scheme's own: the Host field

  bool IsTls() const { return prefix.starts_with("https:"); }
};

// INVALID_ARGUMENT for all but http and https, for credentials and for a fragment. The message
// never repeats the URL: it may hold a secret.
absl::StatusOr<BaseUrl> ParseBaseUrl(const std::string& url);

// Appends `segment` as one of a path: percent-encoded but for unreserved characters.
void AppendSegment(std::string_view segment, std::string* out);

// <prefix>/<method><query>; the method is percent-encoded.
std::string TargetUrl(const BaseUrl& base, std::string_view method);

// Header fields in one buffer, as lines that are terminated by NUL. Reused, so that a request
// allocates nothing once it has seen its longest one.
class HeaderFields {
 public:
  void Clear();
  // "name: value". Both must be safe in a header: the caller has escaped what came from outside.
  void Add(std::string_view name, std::string_view value);
  // The same, behind the last one and in one line with it, with CRLF between them: libcurl goes
  // over each line a dozen times to see whether it is a field that it would write itself.
  void Join(std::string_view name, std::string_view value);
  void AddRaw(std::string_view line);
  size_t size() const { return starts_.size(); }
  const char* operator[](size_t i) const { return text_.data() + starts_[i]; }
  char* operator[](size_t i) { return text_.data() + starts_[i]; }

 private:
  std::string text_;
  std::vector<size_t> starts_;
};

// The webhook-id of a request: the event's id, or the batch's.
std::string RequestId(Format format, std::span<const Parcel> parcels);

// Replaces *out by the fields of one attempt, all but Host, Content-Length and what its credentials
// and its encoding add.
void WriteHeaders(Format format, std::span<const Parcel> parcels, HeaderFields* out);

// Replaces *out by the head of a POST to `url`, which begins with the base's scheme and host: its
// lines up to the empty one.
void WriteHead(const BaseUrl& base, std::string_view url, const HeaderFields& fields,
               size_t body_bytes, std::string* out);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_REQUEST_H_
