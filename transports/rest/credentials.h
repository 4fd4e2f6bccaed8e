// What a request shows of its sender: signatures, and one Authorization field.
#ifndef TALLYBUS_REST_CREDENTIALS_H_
#define TALLYBUS_REST_CREDENTIALS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "transports/rest/request.h"
#include "transports/rest/signature.h"

namespace tallybus::rest {

inline constexpr char kSigningOption[] = "signing";
inline constexpr char kUsernameOption[] = "username";
inline constexpr char kPasswordOption[] = "password";
inline constexpr char kBearerTokenOption[] = "bearer_token";
inline constexpr char kWcsHashKeyOption[] = "wcs_hash_key";

// A value; immutable. [any thread]
class Credentials {
 public:
  // Of an endpoint's options; empty where it has none. INVALID_ARGUMENT begins with the option that
  // is wrong and shows no secret.
  static absl::StatusOr<Credentials> Read(const std::map<std::string, std::string>& options);

  bool empty() const { return keys_.empty() && authorization_.empty() && wcs_hash_key_.empty(); }
  // Joins the fields of an attempt at `now` to *fields. `id` is its webhook-id, `body` its JSON,
  // before it is compressed.
  void AddTo(std::string_view id, std::string_view body, absl::Time now,
             HeaderFields* fields) const;

 private:
  struct DatedKey {
    WebhookKey key;
    absl::Time until;
  };
  absl::Status ReadSigning(std::string_view list);
  void AddSignatures(std::string_view id, std::string_view body, absl::Time now,
                     HeaderFields* fields) const;

  std::vector<DatedKey> keys_;  // the first signs first
  std::string authorization_;   // the same for every request
  std::string wcs_hash_key_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_CREDENTIALS_H_
