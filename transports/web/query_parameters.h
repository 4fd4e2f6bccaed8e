// What stands behind '?' in a request: names and values, decoded.
#ifndef TALLYBUS_TRANSPORTS_WEB_QUERY_PARAMETERS_H_
#define TALLYBUS_TRANSPORTS_WEB_QUERY_PARAMETERS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace tallybus {

// `text` with each %41 as its byte. INVALID_ARGUMENT: a % without two hexadecimal digits.
absl::StatusOr<std::string> PercentDecode(std::string_view text);

// [any thread] Values are bytes as the peer sent them: no UTF-8 is promised.
class QueryParameters {
 public:
  static constexpr size_t kMost = 32;

  // "a=1&b=x%20y+z": a plus is a space, a name without '=' has an empty value. INVALID_ARGUMENT is
  // one sentence for the peer: more than kMost, a name that comes twice or is empty, a broken %.
  static absl::StatusOr<QueryParameters> Parse(std::string_view query);

  // nullptr where it was not given; lives as long as this.
  const std::string* Find(std::string_view name) const;
  // The whole number that was given, or `otherwise`. INVALID_ARGUMENT: not one from `least` to
  // `most`.
  absl::StatusOr<int64_t> Integer(std::string_view name, int64_t otherwise, int64_t least,
                                  int64_t most) const;
  // INVALID_ARGUMENT where one was given that is not in `known`: a filter that is misspelt must not
  // pass for none.
  absl::Status CheckNames(std::initializer_list<std::string_view> known) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_QUERY_PARAMETERS_H_
