// Who gets an event, with which fields, and what a backend's failure does: pure functions and the
// values that they freeze with the event.
#ifndef TALLYBUS_POLICY_H_
#define TALLYBUS_POLICY_H_

#include <absl/status/status.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus {

// Names of top-level fields; nullptr is none. Shared and immutable.
using FieldSet = std::vector<std::string>;
using FieldSetPtr = std::shared_ptr<const FieldSet>;

enum class OnError { kLog, kFail };
enum class RestPolicy {
  kNotify,     // client and backend get the event independently
  kOverwrite,  // the client's copy waits for the backend's answer, and takes fields of it
  kDisable,    // no call of the backend
};
std::string_view RestPolicyWord(RestPolicy policy);  // as configurations spell it

// How one method of one session is treated; the defaults are those of Web Call Server.
struct MethodPolicy {
  FieldSetPtr client_exclude;
  FieldSetPtr rest_exclude;
  OnError on_error = OnError::kLog;
  RestPolicy rest_policy = RestPolicy::kNotify;
  FieldSetPtr rest_overwrite;  // counts under kOverwrite; never nodeId, sessionId, appKey
};

// A restClientConfig: what governs an app's own route, by method.
class RestClientConfig {
 public:
  // The defaults where the method is not listed.
  const MethodPolicy& For(std::string_view method) const;
  MethodPolicy& operator[](const std::string& method) { return by_method_[method]; }
  const std::map<std::string, MethodPolicy, std::less<>>& by_method() const { return by_method_; }

 private:
  std::map<std::string, MethodPolicy, std::less<>> by_method_;
};
using RestClientConfigPtr = std::shared_ptr<const RestClientConfig>;

// Sets one of clientExclude, restExclude, restOnError, restPolicy, restOverwrite from its text.
// INVALID_ARGUMENT says what is wrong with the field or value and what could be meant. nodeId,
// sessionId and appKey are left out of restOverwrite: they are never overwritten.
absl::Status SetPolicyField(MethodPolicy& policy, std::string_view field, std::string_view value);

struct ParsedRestClientConfig {
  RestClientConfigPtr config;         // what was valid
  std::vector<std::string> warnings;  // one for each key that was not; no values in them
};
// Reads {"<Method>":{"restOnError":"FAIL",..},..}, with or without an outer "restClientConfig".
ParsedRestClientConfig ParseRestClientConfig(std::string_view json);

// `json` (valid) without the members named in `excluded`, the rest byte for byte.
std::string WithoutFields(std::string_view json, const FieldSetPtr& excluded);

}  // namespace tallybus

#endif  // TALLYBUS_POLICY_H_
